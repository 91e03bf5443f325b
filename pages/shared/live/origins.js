// Pictures and the places of the plane that they were decoded from, by number: pointing at one lights the other.

const PLANE_SIDE = 340;
const PICTURE_SIDE = 64; // CSS pixels
const HINT = "Each picture is a button: whichever has the focus lights its place on the plane.";

class Origins extends View {
  constructor(parent) {
    super(parent, "origins", HINT);
    this.ground = make("canvas", "ground", { "aria-hidden": "true" });
    this.places = make("div", "places", { "aria-hidden": "true" });
    this.surface = make("div", "surface", { role: "img" }, [this.ground, this.places]);
    this.grid = make("div", "grid", { role: "group", "aria-describedby": "hint" });
    this.root.append(this.surface, this.grid);
  }

  update(data) {
    this.data = data;
    this.surface.setAttribute("aria-label", data.label);
    this.grid.setAttribute("aria-label", `Pictures decoded from places of: ${data.label}`);
    if (JSON.stringify(data.points) !== this.built) this.build();
    this.loadParts(data.parts);
    this.resize();
  }

  build() {
    const { points, far, axes } = this.data;
    this.built = JSON.stringify(points);
    this.pairs = points.map((point, k) => {
      const picture = new Picture("picture", { "aria-hidden": "true" });
      const numbers = point.map((value) => spoken(value, 2)).join(", ");
      const hole = far[k] ? ", in a hole: far from every real picture" : "";
      const button = make("button", "figure", {
        type: "button", "aria-label": `Picture ${k + 1}, decoded from ${axes.join(", ")} = ${numbers}${hole}`,
      }, [picture.canvas, make("span", "numbers number", { "aria-hidden": "true" }, [`${k + 1}: ${numbers}`])]);
      const dot = make("div", "dot", {}, [String(k + 1)]);
      for (const element of [button, dot]) {
        element.classList.toggle("far", far[k]);
        this.on(element, "pointerenter", () => this.light(k, true));
        this.on(element, "pointerleave", () => this.light(k, false));
      }
      this.on(button, "focus", () => this.light(k, true));
      this.on(button, "blur", () => this.light(k, false));
      this.on(dot, "click", () => button.focus());
      return { picture, button, dot };
    });
    this.grid.replaceChildren(...this.pairs.map(({ button }) => button));
    this.places.replaceChildren(...this.pairs.map(({ dot }) => dot));
  }

  light(k, on) {
    const { button, dot } = this.pairs[k];
    for (const element of [button, dot]) element.classList.toggle("lit", on);
  }

  take(parts) {
    this.parts = parts;
    this.dots = parts.dots && new Uint16Array(parts.dots.buffer);
    this.isOld = true;
    this.resize();
  }

  resize() {
    const width = this.root.clientWidth;
    if (!width || !this.data.tile) return;
    const [height, across] = this.data.tile;
    this.side = Math.min(PLANE_SIDE, width - 2);
    this.surface.style.width = this.surface.style.height = `${this.side}px`;
    this.pairs.forEach(({ picture }) => {
      picture.resize(across, height);
      picture.enlarge(sharpFactor(PICTURE_SIDE, across, PICTURE_SIDE));
    });
    if (sharpen(this.ground, this.side, this.side)) this.isOld = true;
    this.request();
  }

  position() {
    return [0, 0];
  }

  paint() {
    if (!this.side) return;
    const [x0, x1, y0, y1] = this.data.bounds;
    this.data.points.forEach(([x, y], k) => {
      const [across, down] = [clamp((x - x0) / (x1 - x0), 0, 1), clamp((y1 - y) / (y1 - y0), 0, 1)];
      this.pairs[k].dot.style.transform = `translate(${across * this.side}px, ${down * this.side}px)`;
    });
    if (!this.parts || !this.isOld) return;
    this.isOld = false;
    this.pairs.forEach(({ picture }, k) => picture.blend(this.parts.pictures, [[k, 1]]));
    this.paintGround();
  }

  paintGround() {
    const context = this.ground.getContext("2d");
    const ratio = this.ground.width / this.side;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.side, this.side);
    if (!this.dots) return;
    const { palette } = this.data;
    context.globalAlpha = 0.5;
    this.parts.dotClasses.forEach((label, i) => {
      context.fillStyle = palette[label % palette.length];
      context.fillRect((this.dots[2 * i] / 65535) * this.side - 1, (1 - this.dots[2 * i + 1] / 65535) * this.side - 1, 2, 2);
    });
    context.globalAlpha = 1;
  }
}

export default (component) => attach(component, Origins);

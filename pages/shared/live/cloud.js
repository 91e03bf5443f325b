// One row: a picture, its cloud on the plane, and pictures decoded from places drawn from that cloud. The same draws
// stay while mean or deviations move, so that every picture follows the hand.

const DEVIATIONS = 2; // of the ellipse
const AWAY = 14; // CSS pixels from the corner of the ellipse to its handle, so that a small one can be taken
const NEAR = 18; // and so near to that a hand takes the ellipse, not its middle
const CLOSE = 8; // deviations to each side that the magnified plane shows
const PLANE_SIDE = 300;
const LARGE = 140; // CSS pixels of the picture at the left
const SMALL = 84; // and of each that is drawn
const AGAIN_MS = 700; // while it goes on drawing
const HINT = "Arrow keys move the number that has the focus. Draw again takes other places from the same cloud.";

class Cloud extends View {
  constructor(parent) {
    super(parent, "cloud-row", HINT);
    this.values = [0, 0, 0, 0, 0]; // mean, deviations, draw
    this.version = 0; // of the values; each picture has that of those it was decoded at
    this.asking = false;
    this.going = false;
    this.build();
    this.drag(this.surface, { start: () => this.hold(), move: (event) => this.follow(event) });
    this.on(this.again, "click", () => this.draw());
    this.on(this.goOn, "click", () => this.keepDrawing(!this.going));
    this.on(this.closer, "click", () => this.magnify(!this.view));
    this.on(this.back, "click", () => this.moveTo([...this.data.own.slice(0, 4), this.values[4]], undefined, true));
    this.on(window, "ae-code", ({ detail }) => this.data.follows && detail.model === this.model && this.takeDrawing(detail));
  }

  build() {
    this.given = new Picture("picture", { role: "img" });
    this.ground = make("canvas", "ground", { "aria-hidden": "true" });
    this.ellipse = make("div", "ellipse");
    this.corner = make("div", "corner");
    this.middle = make("div", "marker");
    this.places = make("div", "places", { "aria-hidden": "true" });
    this.surface = make("div", "surface", { role: "group", "aria-describedby": "hint" },
      [this.ground, this.ellipse, this.places, this.middle, this.corner]);
    this.sliders = [0, 1, 2, 3].map((which) => this.buildSlider(which));
    this.readout = make("div", "readout number");
    this.drawn = make("div", "drawn-pictures");
    [this.again, this.goOn, this.back, this.closer] = ["Draw again", "Keep drawing", "Back to its own", "Magnify"].map(
      (text) => make("button", "entry", { type: "button" }, [text]));
    for (const button of [this.goOn, this.closer]) button.setAttribute("aria-pressed", "false");
    const step = (title, ...children) => make("div", "step", {}, [make("div", "step-name", {}, [title]), ...children]);
    this.root.append(
      step("The picture", this.given.canvas),
      make("div", "arrow", { "aria-hidden": "true" }, ["→"]),
      step("What the encoder says", this.surface, this.readout, ...this.sliders.map(({ label }) => label),
        make("div", "buttons", {}, [this.closer, this.back])),
      make("div", "arrow", { "aria-hidden": "true" }, ["→"]),
      step("Decoded from it", this.drawn, make("div", "buttons", {}, [this.again, this.goOn])),
    );
  }

  buildSlider(which) {
    const input = make("input", "", { type: "range", step: "0.01" });
    const name = make("span", "slider-name");
    const label = make("label", "slider", {}, [name, input]);
    this.on(input, "input", (event) => {
      this.moveTo(this.values.with(which, Number(input.value)), event);
      this.settleSoon();
    });
    return { input, name, label };
  }

  // --- What the server sends ---

  update(data) {
    const [height, width] = data.tile;
    this.data = data;
    this.noise = new Float32Array(bytesOf(data.noise).buffer);
    this.surface.setAttribute("aria-label", data.label);
    this.given.canvas.setAttribute("aria-label", "The picture that goes in");
    this.given.resize(width, height);
    if (!data.follows) this.given.show(bytesOf(data.picture), data.tile[2]);
    if (this.adopt(data)) this.values = data.at.slice();
    if (this.drawn.children.length !== data.count) this.buildDrawn(data.count);
    this.pictures.forEach(({ picture }) => picture.resize(width, height));
    this.prepareSliders();
    this.version += 1;
    this.loadParts(data.parts);
    if ((data.decoder?.model ?? null) !== this.model) [this.asking, this.decoded] = [false, null];
    this.useDecoder(data.decoder);
    this.resize();
  }

  buildDrawn(count) {
    this.pictures = Array.from({ length: count }, (_, k) => {
      const picture = new Picture("picture", { role: "img" });
      const text = make("div", "place number");
      const dot = make("div", "dot", {}, [String(k + 1)]);
      return { picture, text, dot, version: -1, figure: make("div", "figure", {}, [picture.canvas, text]) };
    });
    this.drawn.replaceChildren(...this.pictures.map(({ figure }) => figure));
    this.places.replaceChildren(...this.pictures.map(({ dot }) => dot));
  }

  prepareSliders() {
    const { bounds, axes, widest } = this.data;
    const limits = [bounds.slice(0, 2), bounds.slice(2), [0, widest], [0, widest]];
    this.sliders.forEach(({ input, name, label }, which) => {
      [input.min, input.max] = limits[which].map(String);
      name.textContent = `${which < 2 ? "Mean" : "Deviation"} ${axes[which % 2]}`;
      label.hidden = which >= 2 && !widest;
    });
    for (const button of [this.again, this.goOn, this.closer]) button.hidden = !widest;
    this.ellipse.hidden = this.corner.hidden = !widest;
  }

  take(parts) {
    this.parts = parts;
    this.dots = parts.dots && new Uint16Array(parts.dots.buffer);
    this.groundIsOld = true;
    this.request();
  }

  resize() {
    const width = this.root.clientWidth;
    if (!width || !this.data.tile) return;
    const [, across] = this.data.tile;
    this.side = Math.min(PLANE_SIDE, width - 2);
    this.surface.style.width = this.surface.style.height = `${this.side}px`;
    if (sharpen(this.ground, this.side, this.side)) this.groundIsOld = true;
    this.given.enlarge(sharpFactor(LARGE, across, LARGE));
    this.pictures.forEach(({ picture }) => picture.enlarge(sharpFactor(SMALL, across, SMALL)));
    this.request();
  }

  // --- The values ---

  position() {
    return [this.values[0], this.values[1]];
  }

  hold() {
    const { values } = this;
    this.grip = null;
    return () => (this.values = values);
  }

  /** Show the neighborhood of the cloud alone, or all of the plane again. */
  magnify(closer) {
    const [x, y, across, up] = this.values;
    const away = CLOSE * Math.max(across, up, 0.02);
    this.view = closer ? [x - away, x + away, y - away, y + away] : null;
    this.closer.setAttribute("aria-pressed", String(closer));
    this.groundIsOld = true;
    this.request();
  }

  get edges() {
    return this.view ?? this.data.bounds;
  }

  follow(event) {
    const [x0, x1, y0, y1] = this.edges;
    const box = this.surface.getBoundingClientRect();
    const [left, top] = [event.clientX - box.left, event.clientY - box.top];
    const point = [x0 + (left / box.width) * (x1 - x0), y1 - (top / box.height) * (y1 - y0)];
    const [x, y, ...rest] = this.values;
    if (this.grip === null) {
      const [cornerLeft, cornerTop] = this.pixels(this.cornerPoint());
      const distance = Math.hypot(left - cornerLeft - AWAY, top - cornerTop + AWAY);
      this.grip = this.data.widest && distance < NEAR ? "corner" : "middle";
    }
    if (this.grip === "middle") return this.moveTo([...point, ...rest], event);
    const off = [(AWAY / box.width) * (x1 - x0), (AWAY / box.height) * (y1 - y0)];
    const deviations = [point[0] - x, point[1] - y].map((away, axis) => Math.max(away - off[axis], 0) / DEVIATIONS);
    this.moveTo([x, y, ...deviations, this.values[4]], event);
  }

  cornerPoint() {
    const [x, y, across, up] = this.values;
    return [x + DEVIATIONS * across, y + DEVIATIONS * up];
  }

  pixels([x, y]) {
    const [x0, x1, y0, y1] = this.edges;
    return [((x - x0) / (x1 - x0)) * this.side, ((y1 - y) / (y1 - y0)) * this.side];
  }

  moveTo(values, event, rests = false) {
    const { bounds, widest } = this.data;
    const limits = [bounds.slice(0, 2), bounds.slice(2), [0, widest], [0, widest]];
    this.values = [...limits.map(([low, high], which) => clamp(values[which], low, high)), values[4]];
    this.version += 1;
    this.follows(event);
    if (rests) this.rest();
  }

  /** What a sketchpad draws goes through the encoder there; its picture and its code come here. */
  takeDrawing({ code, spread, given, rests }) {
    if (given) this.given.show(levelsOf(given), this.data.tile[2]);
    this.moveTo([code[0], code[1], spread?.[0] ?? 0, spread?.[1] ?? 0, this.values[4]]);
    if (rests) this.settleSoon();
  }

  draw(rests = true) {
    const draws = this.noise.length / this.data.count / 2;
    this.moveTo(this.values.with(4, (this.values[4] + 1) % draws), undefined, rests);
  }

  keepDrawing(going) {
    this.going = going;
    this.goOn.setAttribute("aria-pressed", String(going));
    let last = 0;
    const step = (now) => {
      if (!this.going || !this.root.isConnected) return;
      if (now - last > AGAIN_MS) {
        last = now;
        this.draw(false);
      }
      requestAnimationFrame(step);
    };
    if (going) requestAnimationFrame(step);
    else this.rest();
  }

  placeOf(k) {
    const at = (this.values[4] * this.data.count + k) * 2;
    return [0, 1].map((axis) => this.values[axis] + this.noise[at + axis] * this.values[2 + axis]);
  }

  commit() {
    this.report([...this.values.slice(0, 4).map((value) => Number(value.toFixed(3))), this.values[4]]);
  }

  // --- The model ---

  /** Whatever is on its way, the next picture is of the newest values. */
  get free() {
    return this.slot !== null;
  }

  ask(event) {
    this.oldest ??= event?.timeStamp;
    this.advance();
  }

  /** Decode the next of the pictures that are of older values; one question at a time. */
  advance() {
    if (!this.slot || this.asking || !this.pictures) return;
    const count = this.pictures.length;
    const next = Array.from({ length: count }, (_, k) => (k + (this.turnOf ?? 0)) % count)
      .find((k) => this.pictures[k].version !== this.version);
    if (next === undefined) return;
    this.asking = true;
    this.turnOf = next + 1;
    const about = { k: next, version: this.version, eventTime: this.oldest };
    this.oldest = undefined;
    const [[name, origin, directions]] = this.inputs;
    const value = origin.slice();
    this.placeOf(next).forEach((number, axis) =>
      value.forEach((_, i) => (value[i] += number * directions[axis * value.length + i])));
    this.slot.ask(["decoder"], { [name]: value }, about);
  }

  answered({ picture }, { k, version, eventTime }) {
    this.asking = false;
    this.decoded = true;
    Object.assign(this.pictures[k], { version });
    this.pictures[k].picture.show(levelsOf(picture), this.data.tile[2]);
    if (eventTime !== undefined) this.measure(eventTime);
    this.advance();
  }

  // --- Painting ---

  paintPicture() {} // a late answer paints its own

  paint() {
    if (!this.side) return;
    if (this.groundIsOld) this.paintGround();
    const [x, y, across, up] = this.values;
    const [left, top] = this.pixels([x, y]);
    this.middle.style.transform = `translate(${left}px, ${top}px)`;
    const [right, above] = this.pixels(this.cornerPoint());
    this.corner.style.transform = `translate(${right + AWAY}px, ${above - AWAY}px)`;
    const [wide, tall] = [2 * (right - left), 2 * (top - above)];
    this.ellipse.style.cssText = `left: ${left - wide / 2}px; top: ${top - tall / 2}px; width: ${wide}px; height: ${tall}px`;
    this.pictures.forEach((each, k) => this.paintPlace(each, this.placeOf(k)));
    if (!this.decoded) this.paintServers();
    const { axes, widest } = this.data;
    const numbers = [`mean ${spoken(x, 2)}, ${spoken(y, 2)}`];
    numbers.push(widest ? `deviation ${spoken(across, 2)}, ${spoken(up, 2)}` : "no cloud: a plain autoencoder gives one point");
    this.readout.textContent = `${axes.join(", ")}: ${numbers.join("; ")}`;
    this.sliders.forEach(({ input }, which) => {
      input.value = this.values[which];
      input.setAttribute("aria-valuetext", spoken(this.values[which], 2));
    });
  }

  paintPlace({ dot, text, picture, figure }, place) {
    const [left, top] = this.pixels(place);
    dot.style.transform = `translate(${left}px, ${top}px)`;
    const k = Number(dot.textContent);
    figure.hidden = !this.data.widest && k > 1; // one point has one picture
    dot.hidden = !this.data.widest;
    const numbers = place.map((value) => spoken(value, 2)).join(", ");
    text.textContent = this.data.widest ? `${k}: ${numbers}` : numbers;
    picture.canvas.setAttribute("aria-label", `Decoded from ${numbers}`);
  }

  /** Where the model does not run here: what the server decoded, if it is of these values. */
  paintServers() {
    const sheet = this.parts?.decoded;
    if (!sheet || !this.answers(this.data)) return;
    this.pictures.forEach(({ picture }, k) => picture.blend(sheet, [[k, 1]]));
  }

  paintGround() {
    this.groundIsOld = false;
    const context = this.ground.getContext("2d");
    const style = getComputedStyle(this.root);
    const ratio = this.ground.width / this.side;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.side, this.side);
    context.fillStyle = style.getPropertyValue("--rule");
    const [left, top] = this.pixels([0, 0]);
    context.fillRect(left - 0.5, 0, 1, this.side);
    context.fillRect(0, top - 0.5, this.side, 1);
    if (!this.dots) return;
    const { palette, bounds } = this.data;
    const size = this.view ? 4 : 2;
    context.globalAlpha = 0.45;
    this.parts.dotClasses.forEach((label, i) => {
      context.fillStyle = palette[label % palette.length];
      const [x, y] = this.pixels([this.dots[2 * i] / 65535, this.dots[2 * i + 1] / 65535].map(
        (share, axis) => bounds[2 * axis] + share * (bounds[2 * axis + 1] - bounds[2 * axis])));
      context.fillRect(x - size / 2, y - size / 2, size, size);
    });
    context.globalAlpha = 1;
  }
}

export default (component) => attach(component, Cloud);

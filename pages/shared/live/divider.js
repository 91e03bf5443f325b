// Two pictures of one size over each other, and a line to drag across: the first lies left of it, the second right.

const LEAST = 60; // CSS pixels of either side
const HINT = "Arrow keys move the line, with Shift or Page Up and Page Down in bigger steps, Home and End to the edges.";

class Divider extends View {
  constructor(parent) {
    super(parent, "divider", HINT);
    this.pictures = [0, 1].map(() => make("img", "half", { draggable: "false", decoding: "sync" }));
    this.names = ["left", "right"].map((side) => make("span", `name ${side}`, { "aria-hidden": "true" }));
    this.line = new Line(this, { children: [...this.pictures, ...this.names] });
    this.line.share = 0.5;
    this.root.append(this.line.track);
  }

  destroy() {
    super.destroy();
    this.urls?.forEach((url) => URL.revokeObjectURL(url));
  }

  update(data) {
    this.data = data;
    const { track } = this.line;
    const [width, height] = data.size;
    track.setAttribute("aria-label", data.label);
    track.classList.toggle("pixels", data.pixels);
    track.style.aspectRatio = `${width} / ${height}`;
    track.style.width = `${Math.max((data.height * width) / height, LEAST)}px`; // a strip can still be dragged
    track.style.maxHeight = `${data.height}px`;
    track.style.minHeight = `${LEAST}px`;
    this.pictures.forEach((picture, k) => picture.setAttribute("alt", data.alts[k]));
    this.names.forEach((name, k) => (name.textContent = data.names[k]));
    this.loadParts(data.parts);
    this.resize();
  }

  async take(parts) {
    const urls = [parts.left, parts.right].map((bytes) => URL.createObjectURL(new Blob([bytes])));
    const { wanted } = this;
    await Promise.all(urls.map((url) => Object.assign(new Image(), { src: url }).decode())); // both appear at once
    const old = wanted === this.wanted ? this.urls : urls; // overtaken by newer pictures
    if (old !== urls) {
      this.urls = urls;
      this.pictures.forEach((picture, k) => (picture.src = urls[k]));
    }
    old?.forEach((url) => URL.revokeObjectURL(url));
  }

  resize() {
    this.line.fit();
    this.request();
  }

  // --- The line ---

  position() {
    return [this.line.share, 0];
  }

  commit() {
    this.moved = false; // nothing is reported: the line is the reader's alone
  }

  paint() {
    const { share } = this.line;
    const percent = 100 * share;
    this.line.paint();
    this.pictures[1].style.clipPath = `inset(0 0 0 ${percent}%)`;
    this.names[0].style.opacity = Number(share > 0.12);
    this.names[1].style.opacity = Number(share < 0.88);
    if (this.dragging || !this.data.names) return; // a screen reader hears where it comes to rest
    const [left, right] = this.data.names;
    const [first, second] = [percent.toFixed(0), (100 - percent).toFixed(0)];
    this.line.speak(0, 100, first, `${left} ${first} %, ${right} ${second} %`);
  }
}

export default (component) => attach(component, Divider);

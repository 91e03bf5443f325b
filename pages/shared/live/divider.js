// Two pictures of one size over each other, and a line to drag across: the first lies left of it, the second right.

const STEP = 0.01; // of the width, for an arrow key
const BIG_STEP = 0.1;
const LEAST = 60; // CSS pixels of either side
const KEYS_HINT = "Arrow keys move the line, with Shift or Page Up and Page Down in bigger steps, Home and End to the edges.";

class Divider extends LineView {
  constructor(parent) {
    super(parent, "divider", 0.5, STEP, BIG_STEP);
    this.pictures = [0, 1].map(() => make("img", "half", { draggable: "false", decoding: "sync" }));
    this.names = ["left", "right"].map((side) => make("span", `name ${side}`, { "aria-hidden": "true" }));
    this.handle = make("div", "handle");
    const surface = make(
      "div",
      "track",
      { role: "slider", tabindex: "0", "aria-describedby": "hint", "aria-orientation": "horizontal",
        "aria-valuemin": "0", "aria-valuemax": "100" },
      [...this.pictures, ...this.names, this.handle],
    );
    this.root.append(surface, make("p", "spoken-only", { id: "hint" }, [KEYS_HINT]));
    this.slide(surface);
  }

  destroy() {
    super.destroy();
    this.urls?.forEach((url) => URL.revokeObjectURL(url));
  }

  update(data) {
    this.data = data;
    const [width, height] = data.size;
    this.surface.setAttribute("aria-label", data.label);
    this.surface.style.aspectRatio = `${width} / ${height}`;
    this.surface.style.width = `${Math.max((data.height * width) / height, LEAST)}px`; // a strip can still be dragged
    this.surface.style.maxHeight = `${data.height}px`;
    this.surface.style.minHeight = `${LEAST}px`;
    this.pictures.forEach((picture, k) => picture.setAttribute("alt", data.alts[k]));
    this.names.forEach((name, k) => (name.textContent = data.names[k]));
    this.surface.classList.toggle("pixels", data.pixels);
    this.loadParts(data.parts);
    this.request();
  }

  async loadParts(id) {
    if (id === this.wanted) return;
    this.wanted = id;
    const { left, right } = await partsEntry(id).ready;
    const urls = [left, right].map((bytes) => URL.createObjectURL(new Blob([bytes])));
    await Promise.all(urls.map((url) => Object.assign(new Image(), { src: url }).decode())); // both appear at once
    const old = id === this.wanted ? this.urls : urls; // overtaken by newer pictures
    if (old !== urls) {
      this.urls = urls;
      this.pictures.forEach((picture, k) => (picture.src = urls[k]));
    }
    old?.forEach((url) => URL.revokeObjectURL(url));
  }

  resize() {
    this.request();
  }

  // --- The line ---

  position() {
    return [this.share, 0];
  }

  commit() {
    this.moved = false; // nothing is reported: the line is the reader's alone
  }

  paint() {
    const percent = 100 * this.share;
    this.pictures[1].style.clipPath = `inset(0 0 0 ${percent}%)`;
    this.handle.style.left = `${percent}%`;
    this.names[0].style.opacity = Number(this.share > 0.12);
    this.names[1].style.opacity = Number(this.share < 0.88);
    if (this.dragging || !this.data.names) return; // a screen reader hears where it comes to rest
    const [left, right] = this.data.names;
    this.surface.setAttribute("aria-valuenow", percent.toFixed(0));
    this.surface.setAttribute("aria-valuetext", `${left} ${percent.toFixed(0)} %, ${right} ${(100 - percent).toFixed(0)} %`);
  }
}

export default function (component) {
  return attach(component, Divider);
}

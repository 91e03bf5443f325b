// Rows of pictures that move together along a strip: at each place every row has its own pictures, its own note, and all
// of them their words, so that nothing on the screen belongs to another place.

const HINT = "Arrow keys move along the strip, Home and End to its ends. Where pictures can be flipped, hold Space on " +
  "them.";
const ABOVE = 150; // CSS pixels of a window's height for what is above the strip, and below the pictures
const GAP = 2; // between pictures
const BESIDE = 108; // for a name beside its row
const NARROW = 640; // narrower than this, names stand above their rows
const LEAST = 2; // times that pictures of few pixels are enlarged at least: on a phone fewer of them fit

class Rows extends View {
  constructor(parent) {
    super(parent, "rows", HINT);
    this.strip = new Strip(this, { snap: (share) => this.snap(share) });
    this.strip.track.setAttribute("data-control", "");
    this.ends = make("div", "ends");
    this.words = make("div", "words");
    this.warning = make("div", "warning");
    this.head = make("div", "head", {}, [this.strip.track, this.ends, this.words, this.warning]);
    this.table = make("div", "table", { "data-main": "", role: "img" });
    this.root.append(this.head, this.table);
    this.lines = [];
    this.flipped = null; // the column whose two pictures have changed places; -1: all of them
    this.on(this.table, "pointerdown", (event) => this.data.flips && event.button === 0 && this.flip(this.columnAt(event)));
    for (const end of ["pointerup", "pointercancel", "pointerleave", "focusout", "keyup"]) {
      this.on(this.table, end, () => this.flip(null));
    }
    this.on(this.table, "keydown", (event) => {
      if (!this.data.flips || ![" ", "Enter"].includes(event.key)) return;
      event.preventDefault();
      this.flip(-1);
    });
  }

  // --- What the server sends ---

  update(data) {
    const rows = data.names.join();
    this.data = data;
    if (rows !== this.built) this.build(data.names);
    this.built = rows;
    this.strip.small = 1 / (data.values.length - 1);
    this.strip.track.setAttribute("aria-label", data.label);
    this.table.setAttribute("aria-label", data.alt);
    this.table.setAttribute("role", data.flips ? "button" : "img");
    this.table.tabIndex = data.flips ? 0 : -1;
    this.ends.replaceChildren(...data.ends.map((text) => make("span", "", {}, [text])));
    if (this.adopt(data)) this.strip.share = data.at / (data.values.length - 1);
    this.loadParts(data.parts);
    this.resize();
  }

  build(names) {
    this.lines = names.map((name) => {
      const canvas = make("canvas", "line", { "data-compare": "", "aria-hidden": "true" });
      const note = make("span", "number");
      const element = make("div", "row", {}, [make("div", "name", {}, [make("span", "", {}, [name]), note]), canvas]);
      return { canvas, note, element };
    });
    this.table.replaceChildren(...this.lines.map(({ element }) => element));
  }

  take({ frames }) {
    const { names, values, thumbnail } = this.data;
    [this.sheet, this.taken] = [frames, this.wanted];
    this.strip.take(frames, thumbnail * frames.columns, values.length, names.length * frames.columns);
    this.request();
  }

  resize() {
    const width = this.root.clientWidth;
    if (!width || !this.data.tile) return;
    const [tall, wide] = this.data.tile;
    const { columns, beside } = this.data;
    const aside = beside && width >= NARROW;
    this.root.classList.toggle("beside", aside);
    const room = width - (aside ? BESIDE : 0);
    const shown = clamp(Math.floor((room + GAP) / (wide * LEAST + GAP)), 1, columns);
    const named = aside ? GAP : this.lines[0].element.firstChild.offsetHeight + GAP;
    const height = Math.max(window.innerHeight - ABOVE - this.head.offsetHeight, 240) / this.lines.length - named;
    const most = Math.min(height / tall, (room - (shown - 1) * GAP) / shown / wide);
    const density = window.devicePixelRatio || 1;
    const factor = most < 1 ? most : Math.floor(most * density) / density;
    Object.assign(this, { shown, wide: wide * factor, tall: tall * factor });
    for (const { canvas } of this.lines) sharpen(canvas, shown * this.wide + (shown - 1) * GAP, this.tall);
    this.strip.fit();
    this.request();
  }

  // --- The place ---

  snap(share) {
    const last = this.data.values.length - 1;
    return clamp(Math.round(share * last), 0, last) / last;
  }

  get place() {
    return Math.round(this.strip.share * (this.data.values.length - 1));
  }

  position() {
    return [this.data.values[this.place], 0];
  }

  commit() {
    this.report(this.data.values[this.place]);
  }

  // --- Flipping the pictures of a column ---

  columnAt(event) {
    const box = this.lines[0].canvas.getBoundingClientRect();
    return Math.floor((event.clientX - box.left) / (this.wide + GAP));
  }

  flip(column) {
    if (column === this.flipped) return;
    this.flipped = column;
    this.request();
  }

  // --- Painting ---

  paint() {
    const { strip, place, lines } = this;
    if (this.taken !== this.data.parts || !strip.length) return; // notes stand beside the pictures they are of
    strip.paint();
    lines.forEach(({ canvas, note }, row) => {
      const context = canvas.getContext("2d");
      const ratio = canvas.height / this.tall;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, canvas.width, canvas.height);
      context.imageSmoothingEnabled = false;
      for (let column = 0; column < this.shown; column++) this.paintPicture(context, row, column);
      note.textContent = this.data.notes[place][row];
    });
    this.words.textContent = this.data.words[place];
    this.warning.textContent = this.data.warning;
    if (this.dragging) return; // a screen reader hears where it comes to rest
    const { values, words } = this.data;
    strip.speak(values[0], values.at(-1), values[place], words[place]);
  }

  paintPicture(context, row, column) {
    const { image, width, height } = this.sheet;
    const turned = row < 2 && (this.flipped === -1 || this.flipped === column);
    const from = this.place * this.lines.length + (turned ? 1 - row : row);
    context.drawImage(image, column * width, from * height, width, height, column * (this.wide + GAP), 0, this.wide,
      this.tall);
  }
}

export default (component) => attach(component, Rows);

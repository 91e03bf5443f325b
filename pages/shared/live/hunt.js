// A wall of pictures. First a click marks those that do not belong; then the wall sorts itself, and a line runs through it.

const HINT = "Arrow keys move over the pictures, Space or Enter marks one. Once the answer is shown, arrow keys move " +
  "the line.";
const AROUND = 176; // CSS pixels of a window's height that the wall leaves to what is above and below it
const GLIDE_MS = 900; // the time in which the wall sorts itself
const RING = 3; // CSS pixels

const ease = (share) => (share < 0.5 ? 4 * share ** 3 : 1 - (2 - 2 * share) ** 3 / 2);

class Hunt extends View {
  constructor(parent) {
    super(parent, "hunt", HINT);
    this.wall = make("canvas", "wall", { "aria-hidden": "true", "data-main": "" });
    this.slider = make("div", "across", { role: "slider", tabindex: "0", "aria-describedby": "hint",
      "aria-label": "How many pictures lie beyond the line", "data-control": "" });
    this.grid = make("div", "cells", { role: "group", "aria-label": "The wall of pictures", "data-control": "" });
    this.button = make("button", "answer", { type: "button" }, ["Show the answer"]);
    this.again = make("button", "answer", { type: "button" }, ["Hunt again"]);
    this.words = make("div", "words", { role: "status" });
    const field = make("div", "field", {}, [this.wall, this.grid, this.slider]);
    this.root.append(make("div", "head", {}, [this.button, this.again, this.words]), field);
    this.on(this.button, "click", () => this.reveal(true));
    this.on(this.again, "click", () => this.reveal(false));
    this.drag(this.slider, { start: () => this.hold(), move: (event) => this.follow(event) });
    this.keys(this.slider, (event) => this.press(event));
    this.on(this.grid, "keydown", (event) => this.walk(event));
    this.marked = new Set();
    this.shown = false;
    this.glide = 1; // of the way from the one order to the other
  }

  // --- What the server sends ---

  update(data) {
    const fresh = this.data.key !== data.key;
    this.data = data;
    this.place = []; // of each picture in the sorted wall
    data.order.forEach((row, k) => (this.place[row] = k));
    this.odd = new Set(data.intruder);
    if (this.adopt(data)) {
      [this.shown, this.line, this.marked] = [Boolean(data.at[0]), data.at[1], new Set(data.at.slice(2))];
    }
    if (fresh) this.buildCells(data.order.length);
    this.loadParts(data.parts);
    this.resize();
  }

  take({ pictures }) {
    this.sheet = pictures;
    this.request();
  }

  buildCells(count) {
    this.cells = Array.from({ length: count }, (_, k) => {
      const cell = make("button", "cell", { type: "button", tabindex: k ? "-1" : "0" });
      this.on(cell, "click", () => this.mark(k));
      return cell;
    });
    this.grid.replaceChildren(...this.cells);
  }

  resize() {
    const { clientWidth: width } = this.root;
    if (!width || !this.data.tile) return;
    const [tall, wide] = this.data.tile;
    const count = this.data.order.length;
    const gap = width < 640 ? 4 : 8;
    const room = Math.max(screenHeight() - AROUND, 300);
    const columnsAt = (factor) => Math.max(1, Math.floor(width / (wide * factor + gap)));
    const fits = (factor) => Math.ceil(count / columnsAt(factor)) * (tall * factor + gap) <= room;
    const density = window.devicePixelRatio || 1;
    const least = Math.min(1.5 * density, Math.ceil((width / (8 * wide)) * density)); // on a phone eight in a row; it scrolls
    let steps = Math.floor((Math.min(width, 960) / wide) * density);
    while (steps > least && !fits(steps / density)) steps -= 1;
    this.factor = Math.max(steps, least) / density;
    this.columns = Math.min(columnsAt(this.factor), count);
    this.rows = Math.ceil(count / this.columns);
    this.gap = gap / 2; // around each picture
    [this.wide, this.tall] = [wide * this.factor + gap, tall * this.factor + gap]; // of a picture with its room
    sharpen(this.wall, this.columns * this.wide, this.rows * this.tall);
    this.grid.style.gridTemplate = `repeat(${this.rows}, ${this.tall}px) / repeat(${this.columns}, ${this.wide}px)`;
    this.request();
  }

  // --- The hunt ---

  mark(row) {
    if (!this.marked.delete(row)) this.marked.add(row);
    this.moved = true;
    this.cells.forEach((cell, k) => cell.setAttribute("tabindex", k === row ? "0" : "-1"));
    this.request();
  }

  /** Arrow keys go from picture to picture; a button answers Space and Enter by itself. */
  walk(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns }[event.key];
    const next = this.cells.indexOf(event.target) + step;
    if (step === undefined || !this.cells[next]) return;
    event.preventDefault();
    event.target.setAttribute("tabindex", "-1");
    this.cells[next].setAttribute("tabindex", "0");
    this.cells[next].focus();
  }

  reveal(shown) {
    this.shown = shown;
    if (!shown) this.marked.clear();
    this.started = matchMedia("(prefers-reduced-motion: reduce)").matches ? -GLIDE_MS : performance.now();
    this.glide = 0;
    this.moved = true;
    this.rest();
    this.tell(); // what is hidden takes no focus
    (shown ? this.slider : this.cells[0]).focus({ preventScroll: true });
  }

  // --- The line ---

  position() {
    return [this.line ?? 0, Number(this.shown)];
  }

  commit() {
    this.report([Number(this.shown), this.line, ...this.marked]);
  }

  hold() {
    const { line } = this;
    return () => (this.line = line);
  }

  moveTo(line, event) {
    const next = clamp(line, 0, this.data.order.length);
    if (next === this.line) return;
    this.line = next;
    this.follows(event);
  }

  follow(event) {
    const box = this.wall.getBoundingClientRect();
    const column = clamp(Math.round((event.clientX - box.left) / this.wide), 0, this.columns);
    const row = clamp(Math.floor((event.clientY - box.top) / this.tall), 0, this.rows - 1);
    this.moveTo(row * this.columns + column, event);
  }

  press(event) {
    const far = event.shiftKey || event.key.startsWith("Page") ? this.columns : 1;
    const next = { ArrowLeft: this.line - far, ArrowRight: this.line + far, ArrowUp: this.line - this.columns,
      ArrowDown: this.line + this.columns, PageUp: this.line - far, PageDown: this.line + far, Home: 0,
      End: this.data.order.length }[event.key];
    if (next === undefined) return false;
    this.moveTo(next, event);
    return true;
  }

  // --- Painting ---

  paint(now) {
    if (!this.sheet || !this.columns) return;
    if (this.glide < 1) {
      this.glide = clamp((now - this.started) / GLIDE_MS, 0, 1);
      this.request();
    }
    const context = this.wall.getContext("2d");
    const ratio = this.wall.width / (this.columns * this.wide);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.columns * this.wide, this.rows * this.tall);
    context.imageSmoothingEnabled = false;
    this.place.forEach((_, row) => this.paintPicture(context, row));
    if (this.shown && this.glide === 1) this.paintLine(context);
    this.tell();
  }

  spot(index) {
    return [(index % this.columns) * this.wide, Math.floor(index / this.columns) * this.tall];
  }

  paintPicture(context, row) {
    const { image, columns, width, height } = this.sheet;
    const share = this.shown ? ease(this.glide) : 1 - ease(this.glide);
    const [from, to] = [this.spot(row), this.spot(this.place[row])];
    const [x, y] = from.map((start, k) => start + share * (to[k] - start));
    const source = [(row % columns) * width, Math.floor(row / columns) * height];
    context.globalAlpha = this.shown && this.place[row] >= this.line ? 0.45 : 1;
    const { gap } = this;
    context.drawImage(image, ...source, width, height, x + gap, y + gap, this.wide - 2 * gap, this.tall - 2 * gap);
    context.globalAlpha = 1;
    const ring = (color, inset) => {
      context.strokeStyle = color;
      context.lineWidth = RING;
      context.strokeRect(x + inset, y + inset, this.wide - 2 * inset, this.tall - 2 * inset);
    };
    if (this.shown && this.odd.has(row)) ring(this.data.colors[1], RING / 2 + 1);
    if (this.marked.has(row)) ring("#fff", this.shown ? RING * 1.5 + 2 : RING / 2 + 1);
  }

  /** Around what lies beyond the line: along the row below, up, and along the row above. */
  paintLine(context) {
    const row = Math.floor(this.line / this.columns);
    const [x, y] = [(this.line % this.columns) * this.wide, row * this.tall];
    const wide = this.columns * this.wide;
    for (const [color, width] of [["#000", 7], ["#fff", 3]]) {
      context.strokeStyle = color;
      context.lineWidth = width;
      context.beginPath();
      context.moveTo(0, y + this.tall);
      context.lineTo(x, y + this.tall);
      context.lineTo(x, y);
      context.lineTo(wide, y);
      context.stroke();
    }
  }

  /** What was found, by the reader and by the machine. */
  tell() {
    const { odd, marked, shown, line } = this;
    const [regular, intruder] = this.data.names;
    [this.button.hidden, this.again.hidden, this.grid.hidden, this.slider.hidden] = [shown, !shown, shown, !shown];
    const count = (rows) => [...rows].filter((row) => odd.has(row)).length;
    const beyond = this.data.order.slice(0, line);
    const said = (rows) => `${count(rows)} of ${odd.size} found, ${rows.length - count(rows)} false alarms`;
    const text = shown
      ? `You: ${said([...marked])}. The machine: ${said(beyond)}.`
      : `${odd.size} of these do not belong with the rest. Click them: ${marked.size} marked.`;
    if (text !== this.text) this.words.textContent = this.text = text;
    if (!shown) {
      this.cells.forEach((cell, k) => {
        cell.setAttribute("aria-label", `Picture ${k + 1}`);
        cell.setAttribute("aria-pressed", marked.has(k));
      });
    } else if (!this.dragging) {
      const precision = beyond.length ? `, precision ${(count(beyond) / beyond.length).toFixed(2)}` : "";
      const values = { valuemin: 0, valuemax: this.data.order.length, valuenow: line, valuetext:
        `${line} pictures beyond the line: ${count(beyond)} ${intruder}, ${line - count(beyond)} ${regular}${precision}` };
      for (const [name, value] of Object.entries(values)) this.slider.setAttribute(`aria-${name}`, value);
    }
  }
}

export default (component) => attach(component, Hunt);

// A small surface to draw on, white ink on black. Strokes are kept as points, so that they are
// sharp on any screen and can be taken back one by one. Where a model runs in the browser, every point of a stroke goes
// through it, and what it makes of the drawing is shown beside.

const HINT = "Arrow keys move the pen, with Shift in bigger steps. Space puts it down and up.";
const BIG_STEP = 4; // logical pixels

function base64Of(bytes) {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

class Sketchpad extends View {
  constructor(parent) {
    super(parent, "sketchpad", HINT);
    this.base = null; // what the page put there: its gray levels, and a picture of them
    this.strokes = []; // each a list of [x, y], logical pixels
    this.stroke = null; // the one being drawn
    this.history = [];
    this.pen = null; // the keyboard's pen, once a key moved it
    this.ink = null; // of the strokes; of the one being drawn all but the end, up to its corner `drawn`
    this.build();
    this.drag(this.surface, {
      start: () => this.putDown(),
      move: (event) => this.follow(event),
      release: () => this.lift(),
    });
    this.on(this.surface, "keydown", (event) => this.press(event));
    this.on(this.surface, "blur", () => this.leave());
    this.on(this.undoButton, "click", () => this.undo());
    this.on(this.clearButton, "click", () => this.clear());
  }

  build() {
    this.canvas = make("canvas", "ink", { role: "img" });
    this.surface = make(
      "div",
      "surface",
      { role: "application", tabindex: "0", "aria-describedby": "hint" },
      [this.canvas],
    );
    this.undoButton = make("button", "entry", { type: "button" }, ["Undo"]);
    this.clearButton = make("button", "entry", { type: "button" }, ["Clear"]);
    const buttons = make("div", "buttons", {}, [this.undoButton, this.clearButton]);
    this.seen = new Seen();
    this.root.append(make("div", "sheet", {}, [make("div", "drawn", {}, [this.surface, buttons]), this.seen.element]));
  }

  update(data) {
    this.data = data;
    this.surface.setAttribute("aria-label", data.label);
    this.canvas.setAttribute("aria-label", data.alt);
    if (this.adopt(data)) this.takeBase(data);
    if (data.through) {
      this.seen.update(data.through);
      const [by, more, clips] = data.through.noise ?? [];
      this.noise = by && [...[by, more].map((numbers) => new Float32Array(bytesOf(numbers).buffer)), clips];
    }
    this.useModel(data.through?.model ?? null, ["encoder", "decoder"]);
    this.resize();
    this.request();
    this.ask();
  }

  takeBase({ at, side }) {
    this.base = at === null ? null : { gray: bytesOf(at), picture: new Picture("") };
    this.base?.picture.resize(side, side);
    this.base?.picture.show(this.base.gray, 1);
    this.strokes = [];
    this.history = [];
    this.stroke = null;
    this.ink = null;
  }

  resize() {
    const width = this.root.clientWidth;
    if (!width || !this.data.display) return;
    const side = Math.min(this.data.display, width);
    this.surface.style.width = this.surface.style.height = `${side}px`;
    if (sharpen(this.canvas, side, side)) this.request();
    if (this.data.through) this.seen.resize();
  }

  // --- Strokes ---

  position() {
    return this.stroke?.at(-1) ?? this.pen ?? [0, 0];
  }

  putDown() {
    this.lift(); // ends the keyboard's stroke, if its pen is down
    this.pen = null;
    this.stroke = [];
    return () => {
      [this.stroke, this.ink] = [null, null];
      this.ask();
    };
  }

  follow(event) {
    const box = this.surface.getBoundingClientRect();
    const scale = this.data.size / box.width;
    // Fast hands move several times a frame; all their points keep the curve round.
    const events = event.getCoalescedEvents?.() ?? [];
    const fresh = events.filter(({ timeStamp }) => timeStamp > this.early);
    const points = (fresh.length ? fresh : [event]).map(({ clientX, clientY }) =>
      [(clientX - box.left) * scale, (clientY - box.top) * scale]);
    this.draw(points, event);
  }

  draw(points, event) {
    this.stroke?.push(...points);
    this.follows(event);
  }

  /** End the stroke and report the drawing. */
  lift() {
    if (!this.stroke) return;
    const { stroke } = this;
    this.stroke = null;
    this.change(this.base, [...this.strokes, stroke]);
  }

  undo() {
    if (!this.history.length) return;
    [this.base, this.strokes] = this.history.pop();
    this.reportInk();
  }

  clear() {
    if (this.base || this.strokes.length) this.change(null, []);
  }

  change(base, strokes) {
    this.history.push([this.base, this.strokes]);
    [this.base, this.strokes] = [base, strokes];
    this.reportInk();
  }

  reportInk() {
    this.ink = null;
    const gray = this.gray();
    this.report(gray.some(Boolean) ? base64Of(gray) : null);
    this.request();
    this.ask(undefined, true);
  }

  /** Gray levels of all there is, side * side bytes; also of the stroke being drawn. */
  gray() {
    if (!this.ink) {
      const { side, size, brush } = this.data;
      [this.ink, this.drawn] = [new Ink(side, side / size, brush), 0];
      this.strokes.forEach((stroke) => this.ink.draw(stroke));
    }
    let { ink } = this;
    if (this.stroke?.length) {
      ink = this.ink.withGrowing(this.stroke, this.drawn);
      this.drawn = (this.stroke.length - 1) * PIECES;
    }
    return ink.gray(this.base?.gray);
  }

  // --- The model ---

  /** `drawn`: by the reader just now, so that the planes of the model follow. */
  ask(event, drawn = event !== undefined) {
    const { through } = this.data;
    if (!this.slot) return void (this.seen.element.hidden = true);
    this.seen.element.hidden = false;
    const gray = this.gray();
    this.isEmpty = !gray.some(Boolean);
    if (this.isEmpty) return this.seen.clear();
    const { shape, room, label } = through;
    const picture = placed(new Float64Array(gray).map((level) => level / 255), this.data.side, shape, room);
    if (this.noise) corrupt(picture, ...this.noise);
    const about = { given: picture, eventTime: event?.timeStamp, drawn, rests: !this.stroke };
    this.slot.ask(["encoder", "decoder"], { picture, label }, about);
  }

  answered({ picture, code, log_variance }, { given, eventTime, drawn, rests }) {
    if (this.isEmpty) return; // cleared meanwhile
    this.seen.show(given, picture, code, log_variance);
    const spread = log_variance?.map((value) => Math.exp(value / 2));
    if (drawn) window.dispatchEvent(new CustomEvent("ae-code", { detail: { model: this.model, given, code, spread, rests } }));
    if (eventTime !== undefined) this.measure(eventTime);
  }

  // --- Keyboard ---

  press(event) {
    if ((event.ctrlKey || event.metaKey) && event.key === "z") this.undo();
    else if (event.ctrlKey || event.metaKey || event.altKey || !this.penKey(event)) return;
    event.preventDefault();
  }

  penKey(event) {
    const step = event.shiftKey ? BIG_STEP : 1;
    const moves = {
      ArrowLeft: [-step, 0],
      ArrowRight: [step, 0],
      ArrowUp: [0, -step],
      ArrowDown: [0, step],
      " ": [0, 0],
    };
    if (!moves[event.key] || this.dragging) return false;
    const { size } = this.data;
    this.pen ??= [size / 2, size / 2];
    this.pen = this.pen.map((at, axis) => clamp(at + moves[event.key][axis], 0, size));
    if (event.key === " ") this.dip(event);
    else if (this.stroke) this.draw([this.pen], event);
    this.tell();
    this.request(event);
    return true;
  }

  dip(event) {
    if (event.repeat) return;
    if (this.stroke) {
      this.lift();
    } else {
      this.stroke = [];
      this.draw([this.pen], event);
    }
  }

  tell() {
    const [x, y] = this.pen.map(Math.round);
    this.say(`Pen ${this.stroke ? "down" : "up"}, column ${x}, row ${y}`);
  }

  leave() {
    if (!this.dragging) this.lift();
    this.pen = null;
    this.request();
  }

  // --- Painting ---

  paint() {
    const side = this.canvas.width;
    const context = this.canvas.getContext("2d");
    this.render(context, side);
    if (this.pen) this.drawPen(context, side / this.data.size);
  }

  render(context, side) {
    const scale = side / this.data.size;
    context.fillStyle = "#000";
    context.fillRect(0, 0, side, side);
    if (this.base) context.drawImage(this.base.picture.canvas, 0, 0, side, side);
    context.strokeStyle = "#fff";
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = this.data.brush * scale;
    for (const stroke of this.strokes) this.trace(context, stroke, scale);
    if (this.stroke) this.trace(context, this.stroke, scale);
  }

  trace(context, stroke, scale) {
    if (!stroke.length) return;
    context.beginPath();
    for (const [x, y] of curveOf(stroke)) context.lineTo(x * scale, y * scale); // one point is a dot: the cap is round
    context.stroke();
  }

  drawPen(context, scale) {
    const [x, y] = this.pen.map((at) => at * scale);
    context.strokeStyle = this.stroke ? "#ffa90e" : "#3f90da";
    context.lineWidth = scale * 0.25;
    context.beginPath();
    context.arc(x, y, this.data.brush * scale, 0, 2 * Math.PI);
    context.stroke();
  }
}

export default (component) => attach(component, Sketchpad);

// What the live components share. This text stands in front of each component's own script.
//
// A component is a subclass of View with
//   update(data)   what the server sends at every rerun: labels and sizes; `adopt` says whether its value counts
//   take(parts)    the heavy data (atlas, frames, dots) once they are there and decoded: once a digest
//   resize()       fit the window; nothing else changes a size, so that nothing jumps
//   position()     the value as two numbers, for a benchmark
//   paint(now)     show the value; `request` asks for it, and it comes once a frame at most
//   commit()       `report` the value to the server, once the hand or the keys rest
//   ask(event)     where it uses a model that runs in the browser: ask it about the value, through this.slot
//   answered(answer, about)   paint what the model makes of it, at once: it comes when the model is ready
// and its script ends with: export default (component) => attach(component, ItsClass);

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const IDLE_MS = 250; // keyboard moves are reported this long after the last key went up

/** Make an element: make("div", "name", {role: "group"}, [children or text]). */
function make(tag, className = "", attributes = {}, children = []) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/**
 * Streamlit calls a component anew at each rerun that brings new data. The view lives on the
 * element it made, so a rerun updates it in place and a drag in progress goes on.
 */
function attach(component, View) {
  const { parentElement, data, setStateValue } = component;
  parentElement.live ??= new View(parentElement);
  const view = parentElement.live;
  view.send = (value) => setStateValue("value", value);
  view.lack = () => view.data.leftOut && setStateValue("lacks", view.model);
  view.update(data);
  // The clean-up of an overtaken call runs, too, so ask whether the page really dropped us.
  return () =>
    requestAnimationFrame(() => {
      if (parentElement.isConnected || parentElement.live !== view) return;
      view.destroy();
      delete parentElement.live;
    });
}

// --- Parts, the heavy data, decoded once, by digest; and models ---------------------------------

// Stores for all components of the page; they are on `window` because each has its own module.
const partsStore = (window.__aeParts ??= new Map());
const modelStore = (window.__aeModels ??= new Map());

/** What one component brings and others wait for. */
function entryOf(store, id) {
  if (!store.has(id)) {
    const entry = { users: 0 };
    entry.ready = new Promise((resolve) => (entry.deliver = resolve));
    store.set(id, entry);
  }
  return store.get(id);
}

const partsEntry = (id) => entryOf(partsStore, id);
const modelEntry = (id) => entryOf(modelStore, id);

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** Decode a sheet to {image, rows, columns, height, width, channels, count}. */
async function decodeSheet(sheet) {
  const image = Object.assign(new Image(), { src: sheet.url });
  await image.decode();
  return { ...sheet, url: null, image: await createImageBitmap(image) };
}

// --- Pictures ----------------------------------------------------------------------------------

// The CSS pixels of the window's height that a component may count on: on stage a line at the foot is not theirs.
const screenHeight = () => innerHeight - (document.querySelector(".st-key-stage")?.offsetHeight ?? 0);

/** The largest factor that fits a side of pixels into `room` and stays sharp: whole in pixels of the screen. */
function sharpFactor(room, side, most) {
  const density = window.devicePixelRatio || 1;
  if (room < side) return room / side; // larger than its room: it shrinks as a whole
  return clamp(Math.floor((room / side) * density) / density, 1, most);
}

/**
 * A small canvas of real pixels that CSS enlarges by a sharp factor. Pixels are drawn and never read back, as browsers
 * that protect the canvas return noise.
 */
class Picture {
  constructor(className, attributes = {}) {
    this.canvas = make("canvas", className, attributes);
    // Blends over each other stay within a level of the true sum where half floats are known, else within three.
    this.context = this.canvas.getContext("2d", { colorType: "float16" });
    this.resize(1, 1);
  }

  resize(width, height) {
    if (width === this.canvas.width && height === this.canvas.height) return;
    this.canvas.width = width;
    this.canvas.height = height;
    this.context.imageSmoothingEnabled = false;
  }

  enlarge(factor) {
    this.canvas.style.width = `${this.canvas.width * factor}px`;
    this.canvas.style.height = `${this.canvas.height * factor}px`;
    this.canvas.style.imageRendering = factor < 1 ? "auto" : ""; // dropping pixels would tear letters and dots
  }

  /** Show the weighted mean of pictures of a sheet: blend(sheet, [[index, weight], ...]). */
  blend(sheet, parts) {
    const { context } = this;
    const { image, columns, width, height } = sheet;
    context.globalCompositeOperation = "source-over";
    let sum = 0;
    for (const [index, weight] of parts.toSorted((one, other) => one[1] - other[1])) { // the last rounds the least away
      if (weight === 0) continue;
      sum += weight;
      context.globalAlpha = weight / sum; // each takes its share of what was drawn before it
      const [x, y] = [(index % columns) * width, Math.floor(index / columns) * height];
      context.drawImage(image, x, y, width, height, 0, 0, width, height);
    }
    context.globalAlpha = 1;
  }

  /** Lay another picture over this one. */
  lay(other, mode) {
    this.context.globalCompositeOperation = mode;
    this.context.drawImage(other.canvas, 0, 0);
  }

  /** Take another picture from this one, down to black: max(this, other) - other. */
  subtract(other) {
    this.lay(other, "lighten");
    this.lay(other, "difference");
  }

  /** Add what one blend of a sheet is above another, and take what it is below: no pixel holds a number under 0. */
  change(sheet, from, to) {
    const blend = (parts) => {
      const picture = new Picture("");
      picture.resize(this.canvas.width, this.canvas.height);
      picture.blend(sheet, parts);
      return picture;
    };
    const [rise, fall] = [blend(to), blend(from)];
    rise.subtract(fall);
    fall.subtract(blend(to));
    this.lay(rise, "lighter");
    this.subtract(fall);
  }

  /** Show values 0..255, picture order, 1 or 3 channels. */
  show(values, channels) {
    const image = new ImageData(this.canvas.width, this.canvas.height);
    const words = new Uint32Array(image.data.buffer); // one little-endian ABGR word a pixel
    const [green, blue] = channels === 3 ? [1, 2] : [0, 0];
    for (let i = 0, at = 0; i < words.length; i++, at += channels) {
      words[i] = 0xff000000 | (values[at + blue] << 16) | (values[at + green] << 8) | values[at];
    }
    this.context.putImageData(image, 0, 0);
  }
}

/** Match a canvas to its size on the screen; true when that emptied it. */
function sharpen(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width === w && canvas.height === h) return false;
  canvas.width = w;
  canvas.height = h;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  return true;
}

// Of more classes than there are colors each further round has another sign: a disk, a square, a diamond, a triangle.
const SIGNS = ["disk", "square", "diamond", "triangle"]; // as in live.css
const signOf = (index, palette) => Math.floor(index / palette.length) % SIGNS.length;

/** Add a sign around a place to a path. */
function traceSign(path, sign, x, y, radius) {
  if (sign === 0) {
    path.moveTo(x + radius, y);
    path.arc(x, y, radius, 0, 2 * Math.PI);
    return;
  }
  const corners = [0, 4, 4, 3][sign];
  const first = [0, 45, 0, -90][sign]; // degrees
  const away = radius * [1, 1.25, 1.25, 1.5][sign]; // of like area
  for (let k = 0; k < corners; k++) {
    const angle = (first / 180 + (2 * k) / corners) * Math.PI;
    path[k ? "lineTo" : "moveTo"](x + away * Math.cos(angle), y + away * Math.sin(angle));
  }
  path.closePath();
}

/** The gray or color levels of a picture in 0..1. */
function levelsOf(picture) {
  return new Uint8Array(new Float64Array(picture).map((level) => 255 * clamp(level, 0, 1) + 0.5)); // `from` is slow
}

// --- Painting and reporting --------------------------------------------------------------------

/**
 * The base of all views: at most one paint a frame, one report a release, and the rules of
 * who may set the value (the reader, or the page by a new epoch).
 */
class View {
  constructor(parent, name, hint) {
    this.status = make("p", "spoken-only", { role: "status" });
    this.root = make("div", `live ${name}`, {}, [make("p", "spoken-only", { id: "hint" }, [hint]), this.status]);
    parent.append(this.root);
    this.name = name;
    this.data = {};
    this.turn = 0;
    this.dragging = false;
    this.keysDown = new Set();
    this.moved = false; // the reader changed the value and has not reported it
    this.model = null; // the id of the one that runs here
    this.slot = null;
    this.early = 0; // the time stamp of the newest move that was followed before its frame
    this.listeners = new AbortController();
    this.resizes = new ResizeObserver(() => this.resize());
    this.resizes.observe(this.root);
    this.on(window, "resize", () => this.resize());
    this.watchDensity();
  }

  destroy() {
    this.listeners.abort();
    this.resizes.disconnect();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.idle);
    this.model = null;
  }

  on(element, type, listener, options = {}) {
    element.addEventListener(type, listener, { ...options, signal: this.listeners.signal });
  }

  /** A window that is moved to another screen, or zoomed, gets canvases of as many pixels. */
  watchDensity() {
    const changed = () => {
      this.resize();
      this.watchDensity();
    };
    this.on(matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`), "change", changed, { once: true });
  }

  /** Let a screen reader say what has happened. */
  say(text) {
    this.status.textContent = text;
  }

  /** Is the model here, and idle? */
  get free() {
    return this.slot !== null && !this.slot.busy;
  }

  get busy() {
    return this.dragging || this.moved;
  }

  /** Take what the server says; true when it sets the value, not the reader. */
  adopt(data) {
    const first = this.epoch === undefined;
    const placed = data.epoch !== this.epoch;
    const defaulted = data.turn === null && this.turn === 0;
    if (!first && !placed && (!defaulted || this.busy)) return false;
    this.epoch = data.epoch;
    this.turn = data.turn ?? 0;
    this.moved = false;
    return true;
  }

  /** Wait for the heavy data of this digest and `take` them, unless newer ones have overtaken them. */
  async loadParts(id, ...context) {
    if (id === this.wanted) return;
    this.wanted = id;
    const parts = await partsEntry(id).ready;
    if (id === this.wanted) this.take(parts, ...context);
  }

  /**
   * Have a place in the queue before halves of a model, this.slot, once they run here; it stays null where they do not,
   * or the component needs none; the server then hears of it, if it has left something out. `answered(answer, about)` is
   * called with each answer.
   */
  async useModel(id, halves) {
    if (id === this.model) return;
    [this.model, this.slot] = [id, null];
    if (id === null) return;
    const current = () => this.model === id;
    const { ready } = modelEntry(id);
    const take = (answer, about) => current() && this.answered(answer, about);
    const lose = () => {
      if (!current()) return;
      [this.slot, this.decoded] = [null, null];
      this.lack();
      this.ask();
      this.request();
    };
    const slot = await (await ready).slot(halves, take, lose).catch(() => null);
    if (!current()) return;
    this.slot = slot;
    if (slot) this.ask();
    else this.lack();
  }

  /** Have the numbers of this component decoded by a model: each of its inputs is origin + numbers · directions. */
  useDecoder(decoder) {
    this.inputs = Object.entries(decoder?.inputs ?? {}).map(([name, parts]) =>
      [name, ...parts.map((part) => new Float32Array(bytesOf(part).buffer))]);
    if (decoder?.model !== this.model) this.decoded = null; // the levels of the newest picture
    this.useModel(decoder?.model ?? null, ["decoder"]);
    this.ask();
  }

  /** Ask for the picture of some numbers; `decoded` has it when it is there. */
  decode(numbers, event) {
    if (!this.slot) return;
    const values = this.inputs.map(([name, origin, directions]) => {
      const value = origin.slice();
      numbers.forEach((number, k) => value.forEach((_, i) => (value[i] += number * directions[k * value.length + i])));
      return [name, value];
    });
    this.slot.ask(["decoder"], Object.fromEntries(values), event?.timeStamp);
  }

  answered({ picture }, eventTime) {
    this.decoded = levelsOf(picture);
    this.paintPicture();
    if (eventTime !== undefined) this.measure(eventTime);
  }

  /** Is the server's answer about the value that is shown? */
  answers(data) {
    return !this.busy && data.epoch === this.epoch && (data.turn ?? 0) === this.turn;
  }

  report(at) {
    clearTimeout(this.idle);
    this.moved = false;
    this.turn += 1;
    this.send({ at, turn: this.turn, epoch: this.epoch });
  }

  /** The hand let go. */
  rest() {
    if (this.moved) this.commit();
    this.request();
  }

  /** The value has moved: ask the model, and paint what follows the hand at once. */
  follows(event) {
    this.moved = true;
    this.ask(event);
    this.request(this.slot ? undefined : event); // what a model answers is painted, and measured, when it is there
  }

  ask() {}

  /** Ask for one paint in the next frame, however many events come before it. */
  request(event) {
    this.eventTime ??= event?.timeStamp; // the oldest event that is not painted yet
    this.frame ??= requestAnimationFrame((now) => {
      this.frame = undefined;
      const eventTime = this.eventTime;
      this.eventTime = undefined;
      this.paint(now);
      if (eventTime !== undefined) this.measure(eventTime);
    });
  }

  /** A benchmark listens by setting window.__aeLive = []. */
  measure(pointerTime) {
    if (!Array.isArray(window.__aeLive)) return;
    const [x, y] = this.position();
    const { name: component } = this;
    const { key } = this.data;
    window.__aeLive.push({ component, key, pointerTime, paintTime: performance.now(), x, y });
  }

  /**
   * Drag with one pointer on a surface: start() returns what undoes the drag, for a browser that takes the pointer away
   * (it scrolls); move(event) while it is down; then release(). Where a finger may as well scroll, the drag waits until
   * it moves sideways, or lifts: a tap. A browser holds moves back for its next frame; a model that is free is asked
   * before that, about the raw move, up to `early`.
   */
  drag(surface, { start, move, release = () => this.rest(), scrolls = false }) {
    let [pointer, undo, moved] = [null, null, false];
    const begin = () => {
      moved = this.moved;
      this.dragging = true;
      undo = start();
    };
    const follow = (event) => {
      if (!undo) begin();
      move(event);
    };
    const end = () => {
      [pointer, undo] = [null, null];
      this.dragging = false;
    };
    const ours = (type, listener) =>
      this.on(surface, type, (event) => event.pointerId === pointer && listener(event));
    this.on(surface, "pointerdown", (event) => {
      if (pointer !== null || event.button !== 0) return;
      pointer = event.pointerId;
      surface.setPointerCapture(pointer);
      if (!scrolls || event.pointerType !== "touch") follow(event);
    });
    ours("pointerrawupdate", (event) => {
      if (!undo || !this.free) return;
      move(event);
      this.early = event.timeStamp;
    });
    ours("pointermove", (event) => event.timeStamp === this.early || follow(event));
    ours("pointerup", (event) => {
      if (!undo) follow(event);
      end();
      release();
    });
    ours("pointercancel", () => {
      undo?.();
      if (undo) this.moved = moved;
      end();
      this.ask();
      this.rest();
    });
  }

  /** Keys on a surface or what lies in it: press(event) says whether it was one of ours; once they rest, commit(). */
  keys(surface, press) {
    this.on(surface, "keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !press(event)) return;
      event.preventDefault();
      clearTimeout(this.idle);
      this.keysDown.add(event.code);
    });
    this.on(surface, "keyup", (event) => {
      if (this.keysDown.delete(event.code) && !this.keysDown.size) this.settleSoon();
    });
    this.on(surface, "focusout", (event) => {
      if (surface.contains(event.relatedTarget)) return;
      this.keysDown.clear();
      this.settle();
    });
  }

  settleSoon() {
    clearTimeout(this.idle);
    this.idle = setTimeout(() => this.settle(), IDLE_MS);
  }

  settle() {
    clearTimeout(this.idle);
    if (this.moved && !this.dragging) this.commit();
  }
}

/** Where a key moves a share of a line, from 0 to 1; undefined for a key that moves nothing. */
function stepAlong(event, share, small, big) {
  const step = event.shiftKey ? big : small;
  return {
    ArrowLeft: share - step,
    ArrowDown: share - step,
    ArrowRight: share + step,
    ArrowUp: share + step,
    PageDown: share - big,
    PageUp: share + big,
    Home: 0,
    End: 1,
  }[event.key];
}

/**
 * A slider along a line: a track with a handle, by pointer and keys; `share` is where it stands, from 0 to 1. It asks
 * its view for a paint when it moves, and to commit when it rests.
 *
 * children: what lies on the track; small, big: steps of a key, as shares; snap(share): where a pointer really lands;
 * grasp(): a hand or a key takes hold; special(event): a key of the component's own, true if it was one; within(): the
 * least and the greatest share that it may go to now.
 */
class Line {
  constructor(view, { children = [], small = 0.01, big = 0.1, snap, grasp, special, within = () => [0, 1] }) {
    this.view = view;
    this.share = 0;
    Object.assign(this, { small, big, snap, grasp, special, within });
    this.handle = make("div", "handle");
    this.track = make(
      "div",
      "track",
      { role: "slider", tabindex: "0", "aria-describedby": "hint", "aria-orientation": "horizontal" },
      [...children, this.handle],
    );
    view.drag(this.track, { start: () => this.hold(), move: (event) => this.follow(event), scrolls: true });
    view.keys(this.track, (event) => this.special?.(event) || this.press(event));
  }

  hold() {
    const { share } = this;
    this.grasp?.();
    return () => (this.share = share);
  }

  moveTo(share, event) {
    const next = clamp(share, ...this.within());
    if (next === this.share) return;
    this.share = next;
    this.view.follows(event);
  }

  follow(event) {
    const box = this.track.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    this.moveTo(this.snap?.(share) ?? share, event);
  }

  press(event) {
    const next = stepAlong(event, this.share, this.small, this.big);
    if (next === undefined) return false;
    this.grasp?.();
    this.moveTo(next, event);
    return true;
  }

  fit() {
    this.length = this.track.clientWidth;
  }

  paint() {
    this.handle.style.transform = `translateX(${this.share * this.length}px)`;
  }

  /** The value to a screen reader. */
  speak(low, high, now, text) {
    const values = { valuemin: low, valuemax: high, valuenow: now, valuetext: text };
    for (const [name, value] of Object.entries(values)) this.track.setAttribute(`aria-${name}`, value);
  }
}

/** A line along `count` frames of a sheet, from `first` on: small on its track, and two of them at every place. */
class Strip extends Line {
  constructor(view, { children = [], ...options }) {
    const thumbnails = make("canvas", "thumbnails", { "aria-hidden": "true" });
    super(view, { children: [thumbnails, ...children], ...options });
    this.thumbnails = thumbnails;
  }

  /** every: how many frames of the sheet a step along the line goes on. */
  take(sheet, first, count, every = 1) {
    Object.assign(this, { sheet, first, count, every, isOld: true });
  }

  fit() {
    super.fit();
    if (sharpen(this.thumbnails, this.length, this.track.clientHeight)) this.isOld = true;
  }

  paint() {
    super.paint();
    if (this.isOld) this.paintThumbnails();
    this.isOld = false;
  }

  /** As many frames as fit, each standing at its own place. */
  paintThumbnails() {
    const { image, columns, width, height } = this.sheet;
    const { width: length, height: tall } = this.thumbnails;
    const context = this.thumbnails.getContext("2d");
    const shown = Math.max(2, Math.floor((length / tall / width) * height));
    for (let i = 0; i < shown; i++) {
      const frame = this.first + this.every * Math.round(((i + 0.5) / shown) * (this.count - 1));
      const [x, y] = [(frame % columns) * width, Math.floor(frame / columns) * height];
      context.drawImage(image, x, y, width, height, (i * length) / shown, 0, length / shown, tall);
    }
  }

  /** The two frames around a place, [[index, weight], ...]: their cross-fade is the picture there. */
  around(share) {
    const place = share * (this.count - 1);
    const frame = Math.min(Math.floor(place), this.count - 2);
    const second = place - frame;
    return [[this.first + frame, 1 - second], [this.first + frame + 1, second]];
  }
}

/** Decimals that tell a hundred places of a range apart, at most so many. */
function decimals(range, most) {
  return clamp(2 - Math.floor(Math.log10(Math.abs(range))), 0, most);
}

/** A number with a real minus sign, always as wide. */
function spoken(value, digits) {
  const text = Math.abs(value).toFixed(digits);
  return (value < 0 && Number(text) !== 0 ? "−" : "") + text;
}

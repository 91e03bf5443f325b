// What the live components share. This text stands in front of each component's own script.

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
  view.update(data);
  // The clean-up of an overtaken call runs, too, so ask whether the page really dropped us.
  return () =>
    requestAnimationFrame(() => {
      if (parentElement.isConnected || parentElement.live !== view) return;
      view.destroy();
      delete parentElement.live;
    });
}

// --- Parts: the heavy data, decoded once, by digest --------------------------------------------

// One store for all components of the page; it is on `window` because each has its own module.
const partsStore = (window.__aeParts ??= new Map());

function partsEntry(id) {
  if (!partsStore.has(id)) {
    const entry = { users: 0 };
    entry.ready = new Promise((resolve) => (entry.deliver = resolve));
    partsStore.set(id, entry);
  }
  return partsStore.get(id);
}

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** Decode a sheet to {pixels, rows, columns, height, width, channels, image}. */
async function decodeSheet(sheet) {
  const image = new Image();
  image.src = sheet.url;
  await image.decode();
  const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const rgba = context.getImageData(0, 0, canvas.width, canvas.height).data;
  return { ...sheet, url: null, image, pixels: withoutAlpha(rgba, sheet.channels) };
}

function withoutAlpha(rgba, channels) {
  const pixels = new Uint8Array((rgba.length / 4) * channels);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    for (let channel = 0; channel < channels; channel++) pixels[to++] = rgba[from + channel];
  }
  return pixels;
}

// --- Pictures ----------------------------------------------------------------------------------

/** Where a key moves a share of a line, from 0 to 1; null for a key that moves nothing. */
function stepAlong(event, share, small, big) {
  const step = event.shiftKey ? big : small;
  const moves = {
    ArrowLeft: share - step,
    ArrowDown: share - step,
    ArrowRight: share + step,
    ArrowUp: share + step,
    PageDown: share - big,
    PageUp: share + big,
    Home: 0,
    End: 1,
  };
  return event.key in moves ? moves[event.key] : null;
}

/** The largest factor that fits a side of pixels into `room` and stays sharp: whole in pixels of the screen. */
function sharpFactor(room, side, most) {
  const density = window.devicePixelRatio || 1;
  if (room < side) return room / side; // larger than its room: it shrinks as a whole
  return clamp(Math.floor((room / side) * density) / density, 1, most);
}

/** A small canvas of real pixels that CSS enlarges by a sharp factor. */
class Picture {
  constructor(className, attributes = {}) {
    this.canvas = make("canvas", className, attributes);
    this.context = this.canvas.getContext("2d");
    this.resize(1, 1);
  }

  resize(width, height) {
    if (this.image && width === this.canvas.width && height === this.canvas.height) return;
    this.canvas.width = width;
    this.canvas.height = height;
    this.image = new ImageData(width, height);
    this.words = new Uint32Array(this.image.data.buffer); // one little-endian ABGR word a pixel
    this.sums = new Float32Array(width * height * 3);
  }

  enlarge(factor) {
    this.canvas.style.width = `${this.canvas.width * factor}px`;
    this.canvas.style.height = `${this.canvas.height * factor}px`;
    this.canvas.style.imageRendering = factor < 1 ? "auto" : ""; // dropping pixels would tear letters and dots
  }

  /** Show the weighted sum of pictures of a sheet: blend(sheet, [[index, weight], ...]). */
  blend(sheet, parts) {
    const { pixels, columns, width, height, channels } = sheet;
    const { sums } = this;
    const line = width * channels;
    const stride = columns * line;
    sums.fill(0.5); // rounds when the fraction is cut off
    for (const [index, weight] of parts) {
      if (weight === 0) continue;
      let from = Math.floor(index / columns) * height * stride + (index % columns) * line;
      for (let row = 0, to = 0; row < height; row++, from += stride) {
        for (let i = 0; i < line; i++) sums[to++] += weight * pixels[from + i];
      }
    }
    if (parts.some(([, weight]) => weight < 0)) clampAll(sums);
    this.show(sums, channels);
  }

  /** Show values 0..255, picture order, 1 or 3 channels. */
  show(values, channels) {
    const { words } = this;
    const [green, blue] = channels === 3 ? [1, 2] : [0, 0];
    for (let i = 0, at = 0; i < words.length; i++, at += channels) {
      words[i] = 0xff000000 | (values[at + blue] << 16) | (values[at + green] << 8) | values[at];
    }
    this.context.putImageData(this.image, 0, 0);
  }
}

/** Into what a byte can hold, where differences were added. */
function clampAll(sums) {
  for (let i = 0; i < sums.length; i++) sums[i] = clamp(sums[i], 0, 255);
}

/** As many of `count` frames of a sheet, from the first, as fit on a track, each standing at its own place. */
function fillTrack(canvas, sheet, first, count) {
  const { image, columns, width, height } = sheet;
  const context = canvas.getContext("2d");
  const shown = Math.max(2, Math.floor((canvas.width / canvas.height / width) * height));
  const wide = canvas.width / shown;
  for (let i = 0; i < shown; i++) {
    const frame = first + Math.round(((i + 0.5) / shown) * (count - 1));
    const [x, y] = [(frame % columns) * width, Math.floor(frame / columns) * height];
    context.drawImage(image, x, y, width, height, i * wide, 0, wide, canvas.height);
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

// --- Painting and reporting --------------------------------------------------------------------

/**
 * The base of all views: at most one paint a frame, one report a release, and the rules of
 * who may set the value (the reader, or the page by a new epoch).
 */
class View {
  constructor(parent, name) {
    this.root = make("div", `live ${name}`);
    parent.append(this.root);
    this.name = name;
    this.data = {};
    this.turn = 0;
    this.dragging = false;
    this.keysDown = new Set();
    this.moved = false; // the reader changed the value and has not reported it
    this.listeners = new AbortController();
    this.resizes = new ResizeObserver(() => this.resize());
    this.resizes.observe(this.root);
  }

  destroy() {
    this.listeners.abort();
    this.resizes.disconnect();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.idle);
  }

  on(element, type, listener) {
    element.addEventListener(type, listener, { signal: this.listeners.signal });
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
  async loadParts(id, ...told) {
    if (id === this.wanted) return;
    this.wanted = id;
    const parts = await partsEntry(id).ready;
    if (id === this.wanted) this.take(parts, ...told);
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

  /** Drag with one pointer on a surface: move(event) while it is down, then release(). */
  drag(surface, { start = () => {}, move, release }) {
    let pointer = null;
    this.on(surface, "pointerdown", (event) => {
      if (pointer !== null || event.button !== 0) return;
      pointer = event.pointerId;
      surface.setPointerCapture(pointer);
      this.dragging = true;
      start(event);
      move(event);
    });
    this.on(surface, "pointermove", (event) => {
      if (event.pointerId === pointer) move(event);
    });
    const end = (event) => {
      if (event.pointerId !== pointer) return;
      pointer = null;
      this.dragging = false;
      release(event);
    };
    this.on(surface, "pointerup", end);
    this.on(surface, "pointercancel", end);
  }

  /** Keys on a surface: press(event) says whether it moved; commit() runs once they rest. */
  keys(surface, press, commit) {
    const settle = () => {
      clearTimeout(this.idle);
      if (this.moved && !this.dragging) commit();
    };
    this.on(surface, "keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !press(event)) return;
      event.preventDefault();
      clearTimeout(this.idle);
      this.keysDown.add(event.code);
    });
    this.on(surface, "keyup", (event) => {
      if (!this.keysDown.delete(event.code) || this.keysDown.size) return;
      clearTimeout(this.idle);
      this.idle = setTimeout(settle, IDLE_MS);
    });
    this.on(surface, "blur", () => {
      this.keysDown.clear();
      settle();
    });
  }
}

/** A view with one slider: `share` of a line, from 0 to 1, by pointer and keys. A subclass says what commit() reports. */
class LineView extends View {
  constructor(parent, name, share, small, big) {
    super(parent, name);
    this.share = share;
    this.steps = [small, big]; // of the line, for an arrow key
  }

  slide(surface, start) {
    this.surface = surface;
    this.drag(surface, { start, move: (event) => this.follow(event), release: () => this.rest() });
    this.keys(surface, (event) => this.press(event), () => this.commit());
  }

  moveTo(share, event) {
    const next = clamp(share, 0, 1);
    if (next === this.share) return;
    this.share = next;
    this.moved = true;
    this.request(event);
  }

  follow(event) {
    const box = this.surface.getBoundingClientRect();
    this.moveTo((event.clientX - box.left) / box.width, event);
  }

  press(event) {
    const next = stepAlong(event, this.share, ...this.steps);
    if (next === null) return false;
    this.moveTo(next, event);
    return true;
  }

  rest() {
    if (this.moved) this.commit();
    this.request();
  }
}

/** A number with a real minus sign, always as wide. */
function spoken(value, digits) {
  const text = Math.abs(value).toFixed(digits);
  return (value < 0 && Number(text) !== 0 ? "−" : "") + text;
}

// The camera through a model in the browser: the middle square of each picture, what the model sees of it, the code, and
// what it decodes. Pictures are read here and nowhere else.

const SIDE = 112; // pixels of the square that is looked at
const WINDOW = 29; // wider than any stroke
const DARKEST = 0.05; // of paper
const INK = 0.4; // of the strongest ink: what counts as a stroke
const FAINTEST = 0.08; // less ink than this is no subject
const GRAIN = 0.15; // of the ink is noise
const BORDER = 0.15; // of a side: what touches the border over more is a shadow, a table, a hand
const PART = 0.05; // of the largest part's ink: less is a speck
const PRIVATE = "Nothing leaves this browser: the pictures are looked at here and kept nowhere.";
const REASONS = {
  NotAllowedError: "The camera was refused. Allow it for this site beside the address, then press Start again.",
  NotFoundError: "No camera was found on this device.",
  NotReadableError: "The camera is in use by another program. Close that, then press Start again.",
};

/** Largest or smallest value of a window around each pixel, along one axis, then along the other. */
function extreme(plane, pick) {
  const half = WINDOW >> 1;
  const along = (from, step, other) => {
    const to = new Float64Array(from.length);
    for (let line = 0; line < SIDE; line++) {
      for (let at = 0; at < SIDE; at++) {
        let value = from[line * other + at * step];
        for (let k = Math.max(at - half, 0); k <= Math.min(at + half, SIDE - 1); k++) {
          value = pick(value, from[line * other + k * step]);
        }
        to[line * other + at * step] = value;
      }
    }
    return to;
  };
  return along(along(plane, 1, SIDE), SIDE, 1);
}

/** The connected parts of a mask: lists of pixels. */
function partsOf(mask) {
  const [seen, parts] = [new Uint8Array(mask.length), []];
  for (let start = 0; start < mask.length; start++) {
    if (!mask[start] || seen[start]) continue;
    const part = [start];
    seen[start] = 1;
    for (let n = 0; n < part.length; n++) {
      const [row, column] = [Math.floor(part[n] / SIDE), part[n] % SIDE];
      for (let y = Math.max(row - 1, 0); y <= Math.min(row + 1, SIDE - 1); y++) {
        for (let x = Math.max(column - 1, 0); x <= Math.min(column + 1, SIDE - 1); x++) {
          const at = y * SIDE + x;
          if (!mask[at] || seen[at]) continue;
          seen[at] = 1;
          part.push(at);
        }
      }
    }
    parts.push(part);
  }
  return parts;
}

/** The ink of a gray square, SIDE * SIDE in 0..1, as subject.py finds it in the main; null where nothing stands out. */
function inkOf(gray) {
  const mean = gray.reduce((sum, level) => sum + level) / gray.length;
  const dark = gray.reduce((sum, level) => sum + (level - mean) ** 3, 0) < 0; // strokes are few, so it is lopsided
  const plane = dark ? gray : gray.map((level) => 1 - level);
  const paper = extreme(extreme(plane, Math.max), Math.min); // closed: what is left where strokes are filled with paper
  const ink = plane.map((level, at) => clamp((paper[at] - level) / Math.max(paper[at], DARKEST), 0, 1));
  const ordered = ink.toSorted();
  const strongest = ordered[Math.floor(0.9975 * ordered.length)];
  if (strongest < FAINTEST) return null;
  const parts = partsOf(ink.map((level) => (level > INK * strongest ? 1 : 0)));
  const edges = [(at) => at < SIDE, (at) => at >= SIDE * (SIDE - 1), (at) => at % SIDE === 0, (at) => at % SIDE === SIDE - 1];
  const inside = parts.filter((part) => edges.every((edge) => part.filter(edge).length <= BORDER * SIDE));
  const mass = (part) => part.reduce((sum, at) => sum + ink[at], 0);
  const most = Math.max(...inside.map(mass));
  const kept = inside.filter((part) => mass(part) >= PART * most).flat();
  if (!kept.length) return null;
  const full = Float64Array.from(kept, (at) => ink[at]).toSorted()[Math.floor(0.8 * kept.length)];
  const found = new Float64Array(SIDE * SIDE);
  for (const at of kept) {
    for (const near of [at, at - 1, at + 1, at - SIDE, at + SIDE]) { // the soft rim of a stroke, too
      if (near >= 0 && near < found.length) found[near] = clamp((ink[near] / full - GRAIN) / (1 - GRAIN), 0, 1);
    }
  }
  return found;
}

class Camera extends View {
  constructor(parent) {
    super(parent, "camera", PRIVATE);
    this.video = make("video", "", { muted: "", playsinline: "" });
    this.video.muted = true;
    this.button = make("button", "entry", { type: "button" }, ["Start the camera"]);
    this.text = make("div", "text", { role: "status" }, [PRIVATE]);
    this.seen = new Seen();
    this.square = make("canvas");
    this.context = this.square.getContext("2d", { willReadFrequently: true });
    this.root.append(make("div", "", {}, [this.button]), this.text, this.seen.element, this.video);
    this.on(this.button, "click", () => (this.stream ? this.stop(PRIVATE) : this.start()));
    this.on(document, "visibilitychange", () => document.hidden && this.stop("Stopped while the page was hidden."));
  }

  update(data) {
    this.data = data;
    this.seen.update(data.through);
    this.useModel(data.through.model, ["encoder", "decoder"]);
    this.resize();
  }

  resize() {
    if (this.data.through) this.seen.resize();
  }

  destroy() {
    super.destroy();
    this.stop("");
  }

  position() {
    return [0, 0];
  }

  paint() {}

  // --- Starting and stopping ---

  async start() {
    if (!window.isSecureContext) {
      this.text.textContent = "A camera needs https, or a page of this computer itself (localhost). Open the lab so.";
      return;
    }
    if (!this.slot) return void (this.text.textContent = "This browser does not run the network, so nothing can be live.");
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      if (!this.root.isConnected || document.hidden) return stream.getTracks().forEach((track) => track.stop());
      this.stream = stream;
      this.video.srcObject = stream;
      await this.video.play();
    } catch (error) {
      this.stop(window.self !== window.top && error.name === "NotAllowedError"
        ? "The page around this one keeps the camera from it. Open the lab in a tab of its own."
        : REASONS[error.name] ?? error.message);
      return;
    }
    this.button.textContent = "Stop the camera";
    this.text.textContent = PRIVATE;
    this.seen.element.hidden = false;
    this.look();
  }

  stop(text) {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = this.video.srcObject = null;
    this.button.textContent = "Start the camera";
    this.text.textContent = text;
  }

  /** Each picture of the camera once; while the model is at one, only the newest of the others waits. */
  look() {
    if (!this.stream) return;
    this.ask({ timeStamp: performance.now() });
    this.video.requestVideoFrameCallback?.(() => this.look()) ?? requestAnimationFrame(() => this.look());
  }

  ask(event) {
    if (!this.slot || !this.stream || !this.video.videoWidth) return;
    const { shape, room, label } = this.data.through;
    const picture = this.data.photo ? this.photo(shape) : this.placed(shape, room);
    if (!picture) return this.seen.clear();
    this.slot.ask(["encoder", "decoder"], { picture, label }, { given: picture, eventTime: event?.timeStamp });
  }

  /** The middle square of the picture, `side` pixels wide: red, green, blue, alpha. */
  pixels(side) {
    const { videoWidth: width, videoHeight: height } = this.video;
    const least = Math.min(width, height);
    this.square.width = this.square.height = side;
    this.context.imageSmoothingQuality = "high";
    this.context.drawImage(this.video, (width - least) / 2, (height - least) / 2, least, least, 0, 0, side, side);
    return this.context.getImageData(0, 0, side, side).data;
  }

  placed(shape, room) {
    const pixels = this.pixels(SIDE);
    const gray = Float64Array.from({ length: SIDE * SIDE }, (_, at) =>
      (0.299 * pixels[4 * at] + 0.587 * pixels[4 * at + 1] + 0.114 * pixels[4 * at + 2]) / 255);
    const ink = inkOf(gray);
    return ink && placed(ink, SIDE, shape, room);
  }

  photo([height, , channels]) {
    const pixels = this.pixels(height);
    return Float32Array.from({ length: height * height * channels }, (_, k) => {
      const at = 4 * Math.floor(k / channels);
      if (channels === 3) return pixels[at + (k % 3)] / 255;
      return (0.299 * pixels[at] + 0.587 * pixels[at + 1] + 0.114 * pixels[at + 2]) / 255;
    });
  }

  answered({ picture, code, log_variance }, { given, eventTime }) {
    if (!this.stream) return;
    this.seen.show(given, picture, code, log_variance);
    this.measure(eventTime);
  }
}

export default (component) => attach(component, Camera);

// One picture and several strips: each track changes it along its own direction, and it holds all changes at once.
// It is decoded here, where the model runs. Else row k of the sheet is the picture along strip k, with every other strip
// where the server last saw it (`held`).

const SNAP = 0.012; // of a strip: this near to the middle is the middle
const STACKED = 640; // CSS pixels: narrower than this, the picture stands above its strips
const AROUND = 196; // CSS pixels of a window's height that a pair of pictures leaves to the heading and the words
const HINT = "Arrow keys change the picture, with Shift or Page Up and Page Down in bigger steps. " +
  "Escape puts this strip back to its middle.";

class Mixer extends View {
  constructor(parent) {
    super(parent, "mixer", HINT);
    this.strips = [];
    this.active = null; // the strip under the hand
    this.picture = new Picture("picture", { role: "img" });
    this.original = new Picture("picture", { role: "img", "data-compare": "" });
    this.words = make("div", "words");
    this.caption = make("div", "caption");
    this.column = make("div", "strips", { "data-control": "" });
    this.pair = make("div", "pair", {}, [this.picture.canvas]);
    this.main = make("div", "result", { "data-main": "" }, [this.pair, this.words, this.caption]);
    this.root.append(this.main, this.column);
  }

  build(labels) {
    this.labels = labels.join();
    this.strips = labels.map((label) => this.buildStrip(label));
    this.active = this.strips[0];
    this.column.replaceChildren(...this.strips.map((strip) => strip.element));
  }

  buildStrip(label) {
    const strip = new Strip(this, {
      children: [make("div", "middle")],
      snap: (share) => (Math.abs(share - 0.5) < SNAP ? 0.5 : share),
      grasp: () => (this.active = strip),
      special: (event) => event.key === "Escape" && this.center(strip, event),
    });
    this.on(strip.track, "dblclick", (event) => {
      this.center(strip, event);
      this.rest();
    });
    strip.track.setAttribute("aria-label", label);
    strip.number = make("span", "number");
    const head = make("div", "ends", {}, [make("span", "strip-name", {}, [label]), strip.number]);
    strip.element = make("div", "strip", {}, [head, strip.track]);
    return strip;
  }

  center(strip, event) {
    this.active = strip;
    strip.moveTo(0.5, event);
    return true;
  }

  // --- What the server sends ---

  update(data) {
    this.data = data;
    if (data.labels.join() !== this.labels) this.build(data.labels);
    this.root.classList.toggle("smooth", data.smooth);
    this.picture.canvas.setAttribute("aria-label", data.alt);
    this.caption.textContent = data.caption;
    this.picture.resize(data.tile[1], data.tile[0]);
    this.showOriginal(data);
    const held = data.at.map((value) => (value - data.start) / (data.stop - data.start));
    if (this.adopt(data)) this.strips.forEach((strip, k) => (strip.share = held[k]));
    this.exact = bytesOf(data.exact);
    this.loadParts(data.parts, held);
    this.useDecoder(data.decoder);
    this.resize();
  }

  showOriginal({ original, alt, tile }) {
    this.root.classList.toggle("paired", original !== null);
    this.levels = original && bytesOf(original);
    this.words.hidden = original === null;
    this.picture.canvas.toggleAttribute("data-compare", original !== null);
    if (!original) return;
    this.pair.prepend(this.original.canvas);
    this.original.resize(tile[1], tile[0]);
    this.original.show(this.levels, tile[2]);
    this.original.canvas.setAttribute("aria-label", `The original: ${alt}`);
  }

  take({ frames }, held) {
    this.strips.forEach((strip, k) => {
      strip.take(frames, k * frames.columns, frames.columns);
      strip.held = held[k];
    });
    this.request();
  }

  resize() {
    const width = this.root.clientWidth;
    if (!width || !this.data.tile) return;
    const { tile, scale } = this.data;
    const stacked = width < STACKED;
    this.root.classList.toggle("stacked", stacked);
    const factor = sharpFactor(this.room(width, stacked), tile[1], this.levels ? Infinity : scale);
    this.picture.enlarge(factor);
    this.original.enlarge(factor);
    this.main.style.width = stacked ? "100%" : `${tile[1] * factor}px`;
    if (this.levels && !stacked) this.fill(2 * tile[0] * factor);
    this.strips.forEach((strip) => strip.fit());
    this.request();
  }

  /** CSS pixels for a side of the picture. */
  room(width, stacked) {
    if (!this.levels) return stacked ? Math.min(width, 300) : width / 2;
    return stacked ? (width - 8) / 2 : Math.max(112, Math.min(width / 3, (window.innerHeight - AROUND) / 2));
  }

  /** The strips together as tall as the pictures. */
  fill(height) {
    const each = Math.max(48, Math.floor((height + 20) / this.strips.length) - 4);
    this.column.style.setProperty("--tall", `${each}px`);
  }

  // --- The values ---

  valueOf(strip) {
    const { start, stop } = this.data;
    return start + strip.share * (stop - start);
  }

  position() {
    return [this.valueOf(this.active), this.strips.indexOf(this.active)];
  }

  ask(event) {
    if (this.slot) this.decode(this.strips.map((strip) => this.valueOf(strip)), event);
  }

  commit() {
    this.report(this.strips.map((strip) => Number(this.valueOf(strip).toFixed(3))));
  }

  // --- Painting ---

  paint() {
    const { length, sheet } = this.active;
    if (!length || !sheet) return;
    this.paintPicture();
    const moving = this.dragging ? [this.active] : this.strips; // in a drag the others stand still
    moving.forEach((strip) => this.paintStrip(strip));
  }

  paintPicture() {
    const { sheet } = this.active;
    if (this.decoded) this.picture.show(this.decoded, this.data.tile[2]);
    else if (this.answers(this.data)) this.picture.show(this.exact, this.data.tile[2]);
    else if (sheet) this.paintMixture(sheet);
    if (this.levels) this.paintWords();
  }

  /** How far the copy is from the original, where its exact pixels are known. */
  paintWords() {
    const now = this.decoded ?? (this.answers(this.data) ? this.exact : null);
    const sum = now && this.levels.reduce((so, level, k) => so + ((level - now[k]) / 255) ** 2, 0);
    this.words.textContent = this.data.words.replace("{error}", now ? (sum / now.length).toFixed(3) : "…");
  }

  /**
   * One strip away from where the server saw it: the cross-fade of its own two frames. Each further one adds what it
   * changes, until the server has decoded them all together.
   */
  paintMixture(sheet) {
    const moved = this.strips.filter((strip) => strip.share !== strip.held);
    const [first, ...others] = moved.length ? moved : [this.active];
    this.picture.blend(sheet, first.around(first.share));
    others.forEach((strip) => this.picture.change(sheet, strip.around(strip.held), strip.around(strip.share)));
  }

  paintStrip(strip) {
    const text = spoken(this.valueOf(strip), 2);
    strip.paint();
    strip.number.textContent = text;
    if (this.dragging) return; // a screen reader hears where it comes to rest
    strip.speak(this.data.start, this.data.stop, this.valueOf(strip).toFixed(2), text);
  }
}

export default (component) => attach(component, Mixer);

// One picture and several strips: each track changes it along its own direction, and it holds all changes at once.
// It is decoded here, where the model runs. Else row k of the sheet is the picture along strip k, with every other strip
// where the server last saw it (`held`).

const SNAP = 0.012; // of a strip: this near to the middle is the middle
const STACKED = [480, 640]; // CSS pixels: narrower, a picture stands below its strips, and a pair above
const AROUND = [176, 196]; // CSS pixels of a window's height that a picture, or a pair, leaves to the heading and the words
const HEAD = 32; // and of a strip's, that its words take with the room around them
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
      children: [make("div", "middle"), make("div", "hatch"), make("div", "hatch upper"), make("div", "carried")],
      within: () => this.within(strip),
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
    strip.upper = make("span", "strip-name");
    const head = make("div", "ends", {}, [make("span", "strip-name", {}, [label]), strip.number, strip.upper]);
    strip.carried = strip.track.querySelector(".carried");
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
    this.root.style.setProperty("--hatch", `${50 * (data.hatch ?? 0)}%`);
    this.root.classList.toggle("bounded", Boolean(data.ball));
    this.strips.forEach(({ element, upper }, k) => {
      const [low, high] = data.ends?.[k] ?? [data.labels[k], ""];
      element.querySelector(".strip-name").textContent = low;
      [upper.textContent, upper.hidden] = [high, !high];
    });
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
    this.root.classList.toggle("paired", Boolean(original));
    this.levels = original && bytesOf(original);
    this.words.hidden = !original;
    this.picture.canvas.toggleAttribute("data-compare", Boolean(original));
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
    const pair = Number(Boolean(this.levels));
    const stacked = width < STACKED[pair];
    this.root.classList.toggle("stacked", stacked);
    const factor = sharpFactor(this.room(width, stacked), tile[1], this.levels ? Infinity : scale);
    this.picture.enlarge(factor);
    this.original.enlarge(factor);
    this.main.style.width = stacked ? "100%" : `${tile[1] * factor}px`;
    if (!stacked) this.fill(this.levels ? 2 * tile[0] * factor + 20 : this.main.offsetHeight, pair ? 4 : HEAD);
    this.strips.forEach((strip) => strip.fit());
    this.request();
  }

  /** CSS pixels for a side of the picture. */
  room(width, stacked) {
    const tall = screenHeight() - AROUND[Number(Boolean(this.levels))];
    if (!this.levels) return stacked ? Math.min(width, 300) : Math.min(0.54 * width, Math.max(tall, 192));
    return stacked ? (width - 8) / 2 : Math.max(112, Math.min(width / 3, tall / 2));
  }

  /** The strips together as tall as the pictures; each has a head of its own. */
  fill(height, head) {
    const each = clamp(Math.floor(height / this.strips.length) - head, 48, head === HEAD ? 120 : Infinity);
    this.column.style.setProperty("--tall", `${each}px`);
  }

  // --- The values ---

  valueOf(strip) {
    const { start, stop } = this.data;
    return start + strip.share * (stop - start);
  }

  /** What the strips do together along each of them, where the page has said how their directions lie. */
  sums() {
    const values = this.strips.map((strip) => this.valueOf(strip));
    return this.data.ball.gram.map((row) => row.reduce((sum, dot, k) => sum + dot * values[k], 0));
  }

  /** The square of the distance from the middle of the ball that the sum of the strips is held in. */
  squared(sums) {
    const { own, along } = this.data.ball;
    return this.strips.reduce((sum, strip, k) => sum + this.valueOf(strip) * (2 * along[k] + sums[k]), own);
  }

  /** The shares of a strip at which the sum of all is in the ball: |all but it + value * direction| <= radius. */
  within(strip) {
    const k = this.strips.indexOf(strip);
    const square = this.data.ball?.gram[k][k];
    if (!square) return [0, 1];
    const { along, radius } = this.data.ball;
    const [sums, now] = [this.sums(), this.valueOf(strip)];
    const middle = now - (along[k] + sums[k]) / square; // of the chord
    const half = Math.sqrt(Math.max((radius ** 2 - this.squared(sums)) / square + (now - middle) ** 2, 0));
    const { start, stop } = this.data;
    const ends = [Math.min(middle - half, now), Math.max(middle + half, now)];
    return ends.map((value) => clamp((value - start) / (stop - start), 0, 1));
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
    if (this.data.ball) this.paintSums();
    const moving = this.dragging ? [this.active] : this.strips; // in a drag the others stand still
    moving.forEach((strip) => this.paintStrip(strip));
  }

  /** Where all strips together carry the picture along each of them, and whether the edge of the ball holds them. */
  paintSums() {
    const { ball, caption, start, stop } = this.data;
    const sums = this.sums();
    this.strips.forEach((strip, k) => {
      const value = sums[k] / (ball.gram[k][k] || 1);
      const share = (value - start) / (stop - start);
      strip.sum = Math.abs(value - this.valueOf(strip)) < 0.005 ? null : value;
      strip.carried.style.transform = `translateX(${clamp(share, 0, 1) * strip.length}px)`;
      strip.carried.hidden = strip.sum === null;
      this.paintNumber(strip);
    });
    const text = this.squared(sums) > 0.999 * ball.radius ** 2 ? ball.words : caption;
    if (this.caption.textContent === text) return;
    this.caption.textContent = text;
    if (text !== caption) this.say(text);
  }

  paintNumber(strip) {
    const text = spoken(this.valueOf(strip), 2);
    const carried = strip.sum ?? null;
    strip.number.textContent = carried === null ? text : `${text} → ${spoken(carried, 2)}`;
    return carried === null ? text : `${text}, carried to ${spoken(carried, 2)} by the others`;
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
    const text = this.paintNumber(strip);
    strip.paint();
    if (this.dragging) return; // a screen reader hears where it comes to rest
    strip.speak(this.data.start, this.data.stop, this.valueOf(strip).toFixed(2), text);
  }
}

export default (component) => attach(component, Mixer);

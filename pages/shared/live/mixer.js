// One picture and several strips: each track changes it along its own direction, and it holds all changes at once.
// Row k of the sheet is the picture along strip k, with every other strip where the server last saw it (`held`).

const SMALL_STEP = 0.01; // of a strip, for an arrow key
const BIG_STEP = 0.1;
const SNAP = 0.012; // of a strip: this near to the middle is the middle
const STACKED = 640; // CSS pixels: narrower than this, the picture stands above its strips
const HINT = "Arrow keys change the picture, with Shift or Page Up and Page Down in bigger steps. " +
  "Escape puts this strip back to its middle.";

class Mixer extends View {
  constructor(parent) {
    super(parent, "mixer");
    this.shares = []; // of each strip, from its first frame to its last
    this.active = 0;
    this.picture = new Picture("picture", { role: "img" });
    this.caption = make("div", "caption");
    this.column = make("div", "strips");
    this.root.append(
      make("div", "result", {}, [this.picture.canvas, this.caption]),
      this.column,
      make("p", "spoken-only", { id: "hint" }, [HINT]),
    );
  }

  build(labels) {
    this.labels = labels.join();
    this.rows = labels.map((label, k) => this.buildRow(label, k));
    this.column.replaceChildren(...this.rows.map((row) => row.element));
  }

  buildRow(label, k) {
    const number = make("span", "number");
    const thumbnails = make("canvas", "thumbnails", { "aria-hidden": "true" });
    const handle = make("div", "handle");
    const track = make(
      "div",
      "track",
      { role: "slider", tabindex: "0", "aria-label": label, "aria-describedby": "hint", "aria-orientation": "horizontal" },
      [thumbnails, make("div", "middle"), handle],
    );
    this.drag(track, {
      start: () => (this.active = k),
      move: (event) => this.follow(k, event),
      release: () => this.rest(),
    });
    this.keys(track, (event) => this.press(k, event), () => this.commit());
    this.on(track, "dblclick", () => this.center(k));
    const head = make("div", "ends", {}, [make("span", "strip-name", {}, [label]), number]);
    return { element: make("div", "strip", {}, [head, track]), number, thumbnails, handle, track };
  }

  // --- What the server sends ---

  update(data) {
    this.data = data;
    if (data.labels.join() !== this.labels) this.build(data.labels);
    this.root.classList.toggle("smooth", data.smooth);
    this.picture.canvas.setAttribute("aria-label", data.alt);
    this.caption.textContent = data.caption;
    this.picture.resize(data.tile[1], data.tile[0]);
    if (this.adopt(data)) this.shares = this.sharesOf(data.at);
    this.exact = data.exact === null ? null : bytesOf(data.exact);
    this.loadParts(data.parts, this.sharesOf(data.at));
    this.resize();
    this.request();
  }

  sharesOf(values) {
    const { start, stop } = this.data;
    return values.map((value) => (value - start) / (stop - start));
  }

  take({ frames }, held) {
    this.frames = frames;
    this.held = held;
    this.thumbnailsAreOld = true;
    this.request();
  }

  resize() {
    const width = this.root.clientWidth;
    if (!width || !this.data.tile) return;
    const { tile, scale } = this.data;
    const stacked = width < STACKED;
    this.root.classList.toggle("stacked", stacked);
    const factor = sharpFactor(stacked ? Math.min(width, 300) : width / 2, tile[1], scale);
    this.picture.enlarge(factor);
    this.caption.style.width = stacked ? "100%" : `${tile[1] * factor}px`;
    this.length = this.rows[0].track.clientWidth;
    for (const { thumbnails, track } of this.rows) {
      if (sharpen(thumbnails, this.length, track.clientHeight)) this.thumbnailsAreOld = true;
    }
    this.request();
  }

  // --- The values ---

  value(k) {
    const { start, stop } = this.data;
    return start + this.shares[k] * (stop - start);
  }

  position() {
    return [this.value(this.active), this.active];
  }

  moveTo(k, share, event) {
    const next = clamp(share, 0, 1);
    if (next === this.shares[k]) return;
    this.active = k;
    this.shares[k] = next;
    this.moved = true;
    this.request(event);
  }

  follow(k, event) {
    const box = this.rows[k].track.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    this.moveTo(k, Math.abs(share - 0.5) < SNAP ? 0.5 : share, event);
  }

  press(k, event) {
    const next = event.key === "Escape" ? 0.5 : stepAlong(event, this.shares[k], SMALL_STEP, BIG_STEP);
    if (next === null) return false;
    this.moveTo(k, next, event);
    return true;
  }

  center(k) {
    this.moveTo(k, 0.5);
    this.rest();
  }

  rest() {
    if (this.moved) this.commit();
    this.request();
  }

  commit() {
    this.report(this.shares.map((_, k) => Number(this.value(k).toFixed(3))));
  }

  // --- Painting ---

  paint() {
    if (!this.length || !this.frames) return;
    if (this.thumbnailsAreOld) this.paintThumbnails();
    if (this.exact && this.answers(this.data)) this.picture.show(this.exact, this.data.tile[2]);
    else this.picture.blend(this.frames, this.mixture());
    if (this.dragging) this.paintRow(this.rows[this.active], this.active); // the others stand still
    else this.rows.forEach((row, k) => this.paintRow(row, k));
  }

  /**
   * The tiles and weights of the picture. One strip away from where the server saw it: the cross-fade of its own two
   * frames. Each further one adds what it changes, until the server has decoded them all together.
   */
  mixture() {
    const moved = this.shares.map((_, k) => k).filter((k) => this.shares[k] !== this.held[k]);
    const [first, ...others] = moved.length ? moved : [this.active];
    return [
      ...this.tilesAt(first, this.shares[first], 1),
      ...others.flatMap((k) => [...this.tilesAt(k, this.shares[k], 1), ...this.tilesAt(k, this.held[k], -1)]),
    ];
  }

  tilesAt(k, share, weight) {
    const { columns } = this.frames;
    const place = share * (columns - 1);
    const first = Math.min(Math.floor(place), columns - 2);
    const second = place - first;
    return [[k * columns + first, weight * (1 - second)], [k * columns + first + 1, weight * second]];
  }

  paintRow({ number, handle, track }, k) {
    const text = spoken(this.value(k), 2);
    number.textContent = text;
    handle.style.transform = `translateX(${this.shares[k] * this.length}px)`;
    if (this.dragging) return; // a screen reader hears where it comes to rest
    track.setAttribute("aria-valuemin", String(this.data.start));
    track.setAttribute("aria-valuemax", String(this.data.stop));
    track.setAttribute("aria-valuenow", this.value(k).toFixed(2));
    track.setAttribute("aria-valuetext", text);
  }

  paintThumbnails() {
    this.thumbnailsAreOld = false;
    const { columns } = this.frames;
    this.rows.forEach(({ thumbnails }, k) => fillTrack(thumbnails, this.frames, k * columns, columns));
  }
}

export default function (component) {
  return attach(component, Mixer);
}

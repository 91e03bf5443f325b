// A row of frames with a slider: the picture is the cross-fade of the two around the value.

const SMALL_STEP = 0.01; // of the strip, for an arrow key
const BIG_STEP = 0.1;
const HINT = "Arrow keys move along the strip, with Shift or Page Up and Page Down in bigger steps, " +
  "Home and End to its ends. Space plays and pauses.";

class Filmstrip extends LineView {
  constructor(parent) {
    super(parent, "filmstrip", 0, SMALL_STEP, BIG_STEP);
    this.playing = false;
    this.direction = 1;
    this.build();
    this.slide(this.track, () => this.grasp());
    this.on(this.button, "click", () => this.toggle());
  }

  build() {
    this.picture = new Picture("picture", { role: "img" });
    this.caption = make("div", "caption");
    this.button = make("button", "play", { type: "button", "aria-label": "Play" });
    this.thumbnails = make("canvas", "thumbnails", { "aria-hidden": "true" });
    this.handle = make("div", "handle");
    this.track = make(
      "div",
      "track",
      {
        role: "slider", tabindex: "0", "aria-describedby": "hint",
        "aria-orientation": "horizontal",
      },
      [this.thumbnails, this.handle],
    );
    this.ends = [make("span"), make("span")];
    this.number = make("span", "number");
    const under = make("div", "ends", {}, [this.ends[0], this.number, this.ends[1]]);
    this.root.append(
      this.picture.canvas,
      this.caption,
      make("div", "controls", {}, [this.button, make("div", "line-up", {}, [this.track, under])]),
      make("p", "spoken-only", { id: "hint" }, [HINT]),
    );
  }

  // --- What the server sends ---

  update(data) {
    const first = this.epoch === undefined;
    this.data = data;
    this.root.classList.toggle("smooth", data.smooth);
    this.track.setAttribute("aria-label", data.label);
    this.picture.canvas.setAttribute("aria-label", data.alt);
    this.picture.resize(data.tile[1], data.tile[0]);
    this.caption.hidden = data.captions === null;
    this.ends.forEach((end, i) => (end.textContent = data.ends[i]));
    if (this.adopt(data)) this.share = (data.at - data.start) / (data.stop - data.start);
    this.loadParts(data.parts);
    this.resize();
    this.request();
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (first && data.autoplay && !still) this.play();
  }

  take({ frames }) {
    this.frames = frames;
    this.thumbnailsAreOld = true;
    this.request();
  }

  resize() {
    const width = this.root.clientWidth;
    if (!width || !this.data.tile) return;
    const { tile, scale } = this.data;
    const factor = sharpFactor(width, tile[1], scale);
    this.picture.enlarge(factor);
    const length = this.track.clientWidth;
    if (sharpen(this.thumbnails, length, this.track.clientHeight)) this.thumbnailsAreOld = true;
    this.length = length;
    this.request();
  }

  // --- The value ---

  position() {
    const { start, stop } = this.data;
    return [start + this.share * (stop - start), 0];
  }

  grasp() {
    this.playing = false;
    this.showButton();
  }

  press(event) {
    if (event.key === " ") {
      if (!event.repeat) this.toggle();
      return true;
    }
    if (!super.press(event)) return false;
    this.grasp();
    return true;
  }

  commit() {
    if (!this.playing) this.report(Number(this.position()[0].toFixed(6)));
  }

  // --- Playing ---

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  play() {
    this.playing = true;
    this.lastTime = undefined;
    this.direction = this.share >= 1 && !this.data.loop ? -1 : 1;
    this.showButton();
    this.request();
  }

  pause() {
    this.playing = false;
    this.showButton();
    this.rest();
  }

  showButton() {
    this.button.setAttribute("aria-label", this.playing ? "Pause" : "Play");
    this.button.classList.toggle("playing", this.playing);
  }

  advance(now) {
    const seconds = Math.min(now - (this.lastTime ?? now), 100) / 1000;
    this.lastTime = now;
    const step = (seconds * this.data.fps) / (this.frames.count - 1);
    const next = this.share + this.direction * step;
    if (this.data.loop) {
      this.moveTo(next % 1);
      return;
    }
    if (next <= 0 || next >= 1) this.direction = -this.direction;
    this.moveTo(next);
  }

  // --- Painting ---

  paint(now) {
    if (!this.length || !this.frames) return;
    if (this.thumbnailsAreOld) this.paintThumbnails();
    if (this.playing) this.advance(now);
    const place = this.share * (this.frames.count - 1);
    const first = Math.min(Math.floor(place), this.frames.count - 2);
    const weight = place - first;
    this.picture.blend(this.frames, [[first, 1 - weight], [first + 1, weight]]);
    this.handle.style.transform = `translateX(${this.share * this.length}px)`;
    this.paintText(Math.round(place));
    if (this.playing) this.request();
  }

  paintText(frame) {
    const { start, stop, captions } = this.data;
    const digits = this.data.digits ?? clamp(2 - Math.floor(Math.log10(Math.abs(stop - start))), 0, 4);
    const [value] = this.position();
    const text = spoken(value, digits);
    this.number.textContent = text;
    if (captions) this.caption.textContent = captions[frame];
    if (this.dragging || this.playing) return; // a screen reader hears where it comes to rest
    this.track.setAttribute("aria-valuemin", String(Math.min(start, stop)));
    this.track.setAttribute("aria-valuemax", String(Math.max(start, stop)));
    this.track.setAttribute("aria-valuenow", value.toFixed(digits));
    this.track.setAttribute("aria-valuetext", captions ? `${text}, ${captions[frame]}` : text);
  }

  paintThumbnails() {
    this.thumbnailsAreOld = false;
    fillTrack(this.thumbnails, this.frames, 0, this.frames.count);
  }
}

export default function (component) {
  return attach(component, Filmstrip);
}

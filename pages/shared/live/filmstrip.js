// A row of frames with a slider: the picture is decoded here, where the model runs, else the cross-fade of the two frames
// around the value.

const AROUND = 250; // CSS pixels of a window's height that a picture on stage leaves to what is above and below it
const HINT = "Arrow keys move along the strip, with Shift or Page Up and Page Down in bigger steps, " +
  "Home and End to its ends. Space plays and pauses.";

class Filmstrip extends View {
  constructor(parent) {
    super(parent, "filmstrip", HINT);
    this.playing = false;
    this.direction = 1;
    this.picture = new Picture("picture", { role: "img" });
    this.caption = make("div", "caption");
    this.button = make("button", "play", { type: "button", "aria-label": "Play" });
    this.strip = new Strip(this, { grasp: () => this.grasp(), special: (event) => this.special(event) });
    this.ends = [make("span"), make("span", "number"), make("span")];
    const lineUp = make("div", "line-up", {}, [this.strip.track, make("div", "ends", {}, this.ends)]);
    this.root.append(this.picture.canvas, this.caption, make("div", "controls", {}, [this.button, lineUp]));
    this.on(this.button, "click", () => this.toggle());
  }

  // --- What the server sends ---

  update(data) {
    const first = this.epoch === undefined;
    this.data = data;
    this.root.classList.toggle("smooth", data.smooth);
    this.root.classList.toggle("stage", data.stage);
    this.picture.canvas.toggleAttribute("data-main", data.stage);
    this.strip.track.toggleAttribute("data-control", data.stage);
    this.strip.track.setAttribute("aria-label", data.label);
    this.picture.canvas.setAttribute("aria-label", data.alt);
    this.picture.resize(data.tile[1], data.tile[0]);
    this.caption.hidden = data.captions === null;
    [this.ends[0].textContent, this.ends[2].textContent] = data.ends;
    if (this.adopt(data)) this.strip.share = (data.at - data.start) / (data.stop - data.start);
    this.loadParts(data.parts);
    this.useDecoder(data.decoder);
    this.resize();
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (first && data.autoplay && !still) this.play();
  }

  take({ frames }) {
    this.strip.take(frames, 0, frames.count);
    this.request();
  }

  resize() {
    const width = this.root.clientWidth;
    if (!width || !this.data.tile) return;
    const [tall, wide] = this.data.tile;
    this.picture.enlarge(this.data.stage ? Math.min(width / wide, Math.max(screenHeight() - AROUND, 240) / tall)
      : sharpFactor(width, wide, this.data.scale));
    this.strip.fit();
    this.request();
  }

  // --- The value ---

  position() {
    const { start, stop } = this.data;
    return [start + this.strip.share * (stop - start), 0];
  }

  ask(event) {
    if (this.slot) this.decode(this.position().slice(0, 1), event);
  }

  commit() {
    if (!this.playing) this.report(Number(this.position()[0].toFixed(6)));
  }

  grasp() {
    this.playing = false;
    this.showButton();
  }

  special(event) {
    if (event.key === " " && !event.repeat) this.toggle();
    return event.key === " ";
  }

  // --- Playing ---

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  play() {
    this.playing = true;
    this.lastTime = undefined;
    this.direction = this.strip.share >= 1 && !this.data.loop ? -1 : 1;
    this.showButton();
    this.request();
    this.say("Playing");
  }

  pause() {
    this.grasp();
    this.rest();
    this.say("Paused");
  }

  showButton() {
    this.button.setAttribute("aria-label", this.playing ? "Pause" : "Play");
    this.button.classList.toggle("playing", this.playing);
  }

  advance(now) {
    const seconds = Math.min(now - (this.lastTime ?? now), 100) / 1000;
    this.lastTime = now;
    const step = (seconds * this.data.fps) / (this.strip.count - 1);
    const next = this.strip.share + this.direction * step;
    if (!this.data.loop && (next <= 0 || next >= 1)) this.direction = -this.direction;
    this.strip.moveTo(this.data.loop ? next % 1 : next);
  }

  // --- Painting ---

  paint(now) {
    const { strip } = this;
    if (!strip.length || !strip.sheet) return;
    if (this.playing) this.advance(now);
    this.paintPicture();
    strip.paint();
    this.paintText(Math.round(strip.share * (strip.count - 1)));
    if (this.playing) this.request();
  }

  paintPicture() {
    const { strip } = this;
    if (this.decoded) this.picture.show(this.decoded, this.data.tile[2]);
    else if (strip.sheet) this.picture.blend(strip.sheet, strip.around(strip.share));
  }

  paintText(frame) {
    const { start, stop, captions } = this.data;
    const digits = this.data.digits ?? decimals(stop - start, 4);
    const [value] = this.position();
    const text = spoken(value, digits);
    this.ends[1].textContent = text;
    if (captions) this.caption.textContent = captions[frame];
    if (this.dragging || this.playing) return; // a screen reader hears where it comes to rest
    const [low, high] = [Math.min(start, stop), Math.max(start, stop)];
    this.strip.speak(low, high, value.toFixed(digits), captions ? `${text}, ${captions[frame]}` : text);
  }
}

export default (component) => attach(component, Filmstrip);

// A plane to drag on. The picture beside it is decoded here, where the model runs, else the blend of the four nearest of
// the atlas, or of the grid beneath the point as long as there is no atlas.

const SMALL_STEP = 0.01; // of the plane's side, for an arrow key
const BIG_STEP = 0.1;
const GAP = 24; // CSS pixels between the plane and the pictures, as in pad.css
const BETWEEN = 12; // and between two pictures, with a line of text below each
const SMALLEST = 200; // of a plane's side on a low screen
const AROUND = 184; // of a window's height, for what stands above the plane and for a line of the legend
const LINE = 34; // of a line of text
const LEAST = 96; // across, for the words below a picture
const WIDE = { alone: 480, linked: 560 }; // from this width on plane and pictures stand side by side
const PAIR = 0.36; // of that width, for two pictures one above the other,
const CHORUS = 0.455; // and for a chorus with the two side by side below it
const NEAR_ENOUGH = 320; // CSS pixels from one picture to the other, one above the other
const ROW = 5; // pictures of a chorus in a row
const NARROW = 4; // CSS pixels between them
const TICK = 6; // CSS pixels of a tick over pictures
const WARPED_TICKS = [-2, -1, 0, 1, 2];
const HINT =
  "Arrow keys move the point across and up, with Shift in bigger steps. Page Up and Page Down move along this axis in " +
  "bigger steps, Home and End to its ends.";

/** The latent value of a probability: the inverse normal CDF, P. J. Acklam's rational form. */
function probit(p) {
  const low = 0.02425;
  if (p > 1 - low) return -probit(1 - p);
  if (p < low) {
    const q = Math.sqrt(-2 * Math.log(p));
    return (
      (((((-7.784894002430293e-3 * q - 0.3223964580411365) * q - 2.400758277161838) * q -
        2.549732539343734) * q + 4.374664141464968) * q + 2.938163982698783) /
      ((((7.784695709041462e-3 * q + 0.3224671290700398) * q + 2.445134137142996) * q +
        3.754408661907416) * q + 1)
    );
  }
  const q = p - 0.5;
  const r = q * q;
  return (
    ((((((-39.69683028665376 * r + 220.9460984245205) * r - 275.9285104469687) * r +
      138.357751867269) * r - 30.66479806614716) * r + 2.506628277459239) * q) /
    (((((-54.47609879822406 * r + 161.5858368580409) * r - 155.6989798598866) * r +
      66.80131188771972) * r - 13.28068155288572) * r + 1)
  );
}

/** The share of a normal variable below z, by bisection: only for the few ticks. */
function normalShare(z) {
  let [low, high] = [0, 1];
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    if (probit(middle) < z) low = middle;
    else high = middle;
  }
  return low;
}

class Pad extends View {
  constructor(parent) {
    super(parent, "pad", HINT);
    this.share = [0.5, 0.5]; // of the plane, from the left and from the bottom
    this.hidden = new Set(); // classes that the legend switched off
    this.version = 0; // of the point; each picture of a chorus has that of the one it was decoded at
    this.nearest = -1;
    this.axis = 0; // whose slider has, or had, the focus
    this.build();
    this.drag(this.surface, { start: () => this.hold(), move: (event) => this.follow(event) });
    this.keys(this.surface, (event) => this.press(event));
    this.on(window, "ae-code", ({ detail }) => detail.model === this.model && this.wander(detail));
    this.on(window, "ae-twin", ({ detail }) => this.data.linked && detail.from !== this && this.meet(detail));
  }

  build() {
    this.ground = make("canvas", "ground", { "aria-hidden": "true" });
    this.marker = make("div", "marker");
    this.cloud = make("div", "cloud", { hidden: "" }); // what an encoder is not certain within
    this.lines = [make("div", "line across"), make("div", "line up")];
    this.sliders = ["horizontal", "vertical"].map((orientation, axis) => this.buildSlider(orientation, axis));
    const within = [this.ground, this.cloud, ...this.lines, this.marker, ...this.sliders];
    const marks = { "data-main": "", "data-control": "" };
    this.surface = make("div", "surface", { role: "group", tabindex: "-1", "aria-describedby": "hint", ...marks }, within);
    this.on(this.surface, "focus", () => this.sliders[this.axis].focus({ preventScroll: true }));
    this.legend = make("div", "legend", { role: "group", "aria-label": "Classes shown" });
    this.picture = new Picture("picture", { role: "img", "data-main": "", "data-compare": "" });
    this.coordinates = [make("span", "number"), make("span", "number")];
    this.kind = make("span", "kind");
    this.readout = make("div", "readout", {}, [...this.coordinates, this.kind]);
    this.near = new Picture("thumbnail", { role: "img", "aria-label": "Nearest real picture", "data-compare": "" });
    this.nearName = make("span", "near-name");
    const nearText = make("div", "near-text", {}, [this.nearName, "nearest real picture"]);
    this.nearBox = make("div", "figure", {}, [this.near.canvas, nearText]);
    this.singers = make("div", "chorus", { hidden: "" });
    this.word = new Picture("word", { role: "img", "aria-label": "A word", hidden: "" });
    this.title = make("div", "title");
    const pair = make("div", "pair", {}, [make("div", "figure", {}, [this.picture.canvas, this.readout]), this.nearBox]);
    this.root.append(
      make("div", "plane", {}, [this.surface, this.title, this.legend]),
      make("div", "result", {}, [this.singers, this.word.canvas, pair]),
    );
  }

  /** A plane is two sliders to whoever does not see it; assistive technology moves them without keys. */
  buildSlider(orientation, axis) {
    const slider = make("input", `axis ${orientation}`, {
      type: "range", min: "0", max: "1", step: String(SMALL_STEP), "aria-orientation": orientation,
      "aria-roledescription": "2-D slider", "aria-describedby": "hint",
    });
    this.on(slider, "focus", () => (this.axis = axis));
    this.on(slider, "input", (event) => {
      this.moveTo(this.share.with(axis, Number(slider.value)), event);
      this.settleSoon();
    });
    return slider;
  }

  // --- What the server sends ---

  update(data) {
    this.data = data;
    this.surface.setAttribute("aria-label", data.label);
    this.sliders.forEach((slider, axis) => slider.setAttribute("aria-label", `${data.label}, ${data.axes[axis]}`));
    this.picture.canvas.setAttribute("aria-label", data.alt);
    this.picture.resize(data.tile[1], data.tile[0]);
    this.nearBox.hidden = !data.hasNearest;
    this.title.textContent = data.title ?? "";
    this.buildChorus(data);
    if (this.adopt(data)) this.share = this.shareOf(data.at);
    if (this.answers(data)) this.takeExact(data.exact);
    this.buildLegend();
    this.loadParts(data.parts);
    this.useDecoder(data.decoder);
    this.resize();
    this.refresh();
  }

  takeExact(exact) {
    this.exact = exact === null ? null : bytesOf(exact);
    this.exactTurn = this.turn;
  }

  take(parts) {
    this.parts = parts;
    this.nearest = -1;
    this.dots = parts.dots && new Uint16Array(parts.dots.buffer);
    this.nearPoints = parts.nearPoints && new Float32Array(parts.nearPoints.buffer);
    this.refresh();
  }

  buildLegend() {
    const { classes, palette, backdrop, hasDots } = this.data;
    this.legend.hidden = !hasDots;
    // Keep its place in a view without dots, so that the page does not jump between views.
    const visible = backdrop === "points" || backdrop === "both";
    this.legend.style.visibility = visible ? "visible" : "hidden";
    const signature = JSON.stringify([classes, palette]);
    if (signature === this.legendSignature) return;
    this.legendSignature = signature;
    this.legend.replaceChildren(...classes.map((name, index) => this.legendEntry(name, index)));
  }

  legendEntry(name, index) {
    const swatch = make("span", "swatch");
    swatch.style.background = this.color(index);
    swatch.classList.add(SIGNS[signOf(index, this.data.palette)]);
    const pressed = String(!this.hidden.has(index));
    const entry = make("button", "entry", { type: "button", "aria-pressed": pressed });
    entry.append(swatch, name);
    this.on(entry, "click", () => {
      if (!this.hidden.delete(index)) this.hidden.add(index);
      entry.setAttribute("aria-pressed", String(!this.hidden.has(index)));
      this.refresh();
    });
    return entry;
  }

  color(index) {
    const { palette } = this.data;
    return palette[index % palette.length];
  }

  // --- Sizes: they depend on the window only, so nothing jumps ---

  resize() {
    const width = this.root.clientWidth;
    if (!width || !this.data.tile) return;
    const { tile: [down, across], size, scale, chorus, hasNearest, linked } = this.data;
    const wide = width >= (linked ? WIDE.linked : WIDE.alone);
    const tall = Math.max(SMALLEST, screenHeight() - AROUND);
    const [column, above] = chorus ? this.fitChorus(wide ? (width - GAP) * CHORUS : width) : [width - GAP - tall, 0];
    const over = Math.min((width - GAP) * PAIR, tall / 2 - LINE, NEAR_ENOUGH - LINE); // room for one above the other
    const count = hasNearest ? 2 : 1;
    const flat = ((wide ? column : width) - (count - 1) * BETWEEN) / count; // and for one beside the other
    const piled = wide && !chorus && over > flat;
    const high = wide ? tall - above - LINE : tall * 0.24;
    const room = piled ? over : Math.min(flat, (high * across) / down);
    this.factor = sharpFactor(room, across, scale);
    this.picture.enlarge(this.factor);
    this.enlargeNear();
    const figure = Math.max(this.factor * across, LEAST);
    this.root.style.setProperty("--wide", `${figure}px`);
    this.root.classList.toggle("stacked", !wide);
    this.root.classList.toggle("piled", piled); // the two pictures one above the other
    const beside = chorus ? column : figure * (piled ? 1 : count) + (piled ? 0 : BETWEEN);
    const below = Math.max(tall - this.factor * down - 1.2 * LINE, Math.min(width, 320));
    this.side = Math.floor(Math.min(size, wide ? Math.min(tall, width - GAP - beside) : Math.min(width, below)));
    this.surface.style.width = this.surface.style.height = `${this.side}px`;
    this.legend.style.width = `${this.side}px`;
    if (sharpen(this.ground, this.side, this.side)) this.refresh();
  }

  enlargeNear() {
    this.near.enlarge((this.factor * this.picture.canvas.width) / this.near.canvas.width);
  }

  /** Draw the backdrop anew, too: after new data, another size, theme or legend. */
  refresh() {
    this.groundIsOld = true;
    this.request();
  }

  // --- The point: share of the plane -> plane coordinate -> latent ---

  shareOf([x, y]) {
    const [x0, x1, y0, y1] = this.data.bounds;
    return [clamp((x - x0) / (x1 - x0), 0, 1), clamp((y - y0) / (y1 - y0), 0, 1)];
  }

  position() {
    const [x0, x1, y0, y1] = this.data.bounds;
    const [across, up] = this.share;
    const plane = [x0 + across * (x1 - x0), y0 + up * (y1 - y0)];
    return this.data.warp ? plane.map(probit) : plane;
  }

  hold() {
    const { share } = this;
    return () => (this.share = share);
  }

  moveTo(share, event) {
    this.spread = null;
    const next = this.inside(share.map((part) => clamp(part, 0, 1)));
    if (next[0] === this.share[0] && next[1] === this.share[1]) return;
    this.share = next;
    this.follows(event);
    if (this.data.linked) this.lead(false);
  }

  /** Where the plane has a shade, a point in it goes back to its border, toward the middle. */
  inside(share) {
    if (!this.data.within) return share;
    const { center, inverse } = this.data.within;
    const [x0, x1, y0, y1] = this.data.bounds;
    const away = [x0 + share[0] * (x1 - x0) - center[0], y0 + share[1] * (y1 - y0) - center[1]];
    const length = Math.hypot(...inverse.map((row) => row[0] * away[0] + row[1] * away[1]));
    return length <= 1 ? share : this.shareOf(away.map((part, axis) => center[axis] + part / length));
  }

  ask(event) {
    if (this.slot) this.decode(this.position(), event);
    this.version += 1;
    this.sing();
  }

  // --- A twin: another plane, with the same real pictures elsewhere ---

  lead(rests) {
    const row = this.nearPoints ? this.findNearest(this.position()) : -1;
    if (row >= 0) window.dispatchEvent(new CustomEvent("ae-twin", { detail: { from: this, row, rests } }));
  }

  /** Go to the code of the real picture that is nearest to the point of the other plane. */
  meet({ row, rests }) {
    const point = this.nearPoints?.slice(2 * row, 2 * row + 2);
    if (point?.length !== 2) return;
    this.spread = null;
    this.share = this.shareOf(this.data.warp ? [...point].map(normalShare) : [...point]);
    this.follows();
    if (rests) this.settleSoon();
  }

  rest() {
    if (this.moved && this.data.linked) this.lead(true);
    super.rest();
  }

  // --- A chorus: all classes at the same point, and a word of them ---

  buildChorus({ chorus, tile }) {
    this.singers.hidden = this.word.canvas.hidden = !chorus;
    if (!chorus) return;
    if (this.voices?.length !== chorus.names.length) {
      this.voices = chorus.names.map(() => ({ picture: new Picture("voice", { role: "img", "data-main": "" }) }));
      this.singers.replaceChildren(...this.voices.map(({ picture }) => picture.canvas));
    }
    this.voices.forEach((voice, k) => {
      voice.picture.resize(tile[1], tile[0]);
      voice.picture.canvas.setAttribute("aria-label", chorus.names[k]);
      voice.picture.canvas.classList.toggle("chosen", k === chorus.chosen);
    });
    this.word.resize(tile[1] * chorus.word.length, tile[0]);
    this.word.canvas.setAttribute("aria-label", chorus.alt);
    this.hire();
    if (this.answers(this.data)) this.singAsServed();
  }

  /** CSS pixels across and down of a chorus in a column of some width. */
  fitChorus(column) {
    const { tile: [down, across], scale, chorus: { word } } = this.data;
    const room = (column - (ROW - 1) * NARROW) / ROW;
    const sharp = sharpFactor(room, across, scale);
    const factor = sharp < 2 ? Math.min(room / across, 2) : sharp; // small ones are large rather than sharp
    this.voices.forEach(({ picture }) => picture.enlarge(factor));
    this.singers.classList.toggle("smooth", sharp < 2);
    const wide = ROW * across * factor + (ROW - 1) * NARROW;
    this.singers.style.width = `${wide}px`;
    const tallest = sharpFactor(Math.min(wide, across * word.length * factor), across * word.length, scale);
    this.word.enlarge(tallest);
    const rows = Math.ceil(this.voices.length / ROW);
    return [wide, rows * down * factor + (rows - 1) * NARROW + tallest * down + 2 * BETWEEN];
  }

  /** A place of its own before the decoder. */
  async hire() {
    const { model } = this.data.decoder ?? { model: null };
    if (model === this.employer) return;
    [this.employer, this.stage] = [model, null];
    if (model === null) return;
    const { ready } = modelEntry(model);
    const take = (answer, about) => model === this.employer && this.sung(answer, about);
    const stage = await (await ready).slot(["decoder"], take, () => (this.stage = null)).catch(() => null);
    if (model !== this.employer) return;
    this.stage = stage;
    this.sing();
  }

  /** Decode the next class that is of an older point; one question at a time. */
  sing() {
    if (!this.stage || this.stage.busy || !this.voices) return;
    const count = this.voices.length;
    const next = Array.from({ length: count }, (_, k) => (k + (this.next ?? 0)) % count)
      .find((k) => this.voices[k].version !== this.version);
    if (next === undefined) return;
    this.next = next + 1;
    const label = Float32Array.from({ length: count }, (_, k) => Number(k === next));
    this.stage.ask(["decoder"], { code: Float32Array.from(this.position()), label }, { next, version: this.version });
  }

  sung({ picture }, { next, version }) {
    const voice = this.voices[next];
    voice.version = version;
    voice.picture.show(levelsOf(picture), this.data.tile[2]);
    this.write();
    setTimeout(() => this.sing()); // once its place is free again
  }

  /** What the server decoded at this point. */
  singAsServed() {
    if (this.stage) return;
    const levels = bytesOf(this.data.chorus.exact);
    const each = levels.length / this.voices.length;
    this.voices.forEach(({ picture }, k) => picture.show(levels.subarray(k * each, (k + 1) * each), this.data.tile[2]));
    this.write();
  }

  /** A word from the pictures of its letters. */
  write() {
    const [, across] = this.data.tile;
    this.data.chorus.word.forEach((k, place) =>
      this.word.context.drawImage(this.voices[k].picture.canvas, place * across, 0));
  }

  follow(event) {
    const box = this.surface.getBoundingClientRect();
    this.moveTo([(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height], event);
  }

  press(event) {
    const axis = { ArrowLeft: 0, ArrowRight: 0, ArrowDown: 1, ArrowUp: 1 }[event.key] ?? this.axis;
    const next = stepAlong(event, this.share[axis], SMALL_STEP, BIG_STEP);
    if (next === undefined) return false;
    this.sliders[axis].focus(); // so that what has changed is spoken
    this.moveTo(this.share.with(axis, next), event);
    return true;
  }

  commit() {
    this.report(this.position().map((value) => Number(value.toFixed(6))));
  }

  /** Go where a drawing lies: its code, as the encoder has it, dropped onto the plane. */
  wander({ code, spread, rests }) {
    const [[, origin, axes]] = this.inputs;
    const point = [0, 1].map((axis) =>
      code.reduce((sum, value, i) => sum + (value - origin[i]) * axes[axis * code.length + i], 0));
    this.moveTo(this.shareOf(this.data.warp ? point.map(normalShare) : point));
    this.spread = code.length === 2 && !this.data.warp && spread;
    if (rests) this.settleSoon();
  }

  // --- Painting ---

  paint() {
    if (!this.side) return;
    if (this.groundIsOld) this.paintGround();
    const [across, up] = this.share;
    const [left, top] = [across * this.side, (1 - up) * this.side];
    this.marker.style.transform = `translate(${left}px, ${top}px)`;
    this.lines[0].style.transform = `translateY(${top}px)`;
    this.lines[1].style.transform = `translateX(${left}px)`;
    this.paintCloud(left, top);
    this.paintPicture();
    this.paintNearest();
    this.paintText();
  }

  paintCloud(left, top) {
    this.cloud.hidden = !this.spread;
    if (!this.spread) return;
    const [x0, x1, y0, y1] = this.data.bounds;
    const [across, up] = [this.spread[0] / (x1 - x0), this.spread[1] / (y1 - y0)].map((part) => 4 * part * this.side);
    this.cloud.style.cssText = `left: ${left - across / 2}px; top: ${top - up / 2}px; width: ${across}px; height: ${up}px`;
  }

  paintPicture() {
    const showsExact = this.exact && this.exactTurn === this.turn && !this.moved;
    if (this.decoded) this.picture.show(this.decoded, this.data.tile[2]);
    else if (showsExact) this.picture.show(this.exact, this.data.tile[2]);
    else if (this.tiles) this.picture.blend(this.tiles, this.fourNearest());
    this.kind.textContent = this.data.exact === null && !this.decoded ? "" : this.decoded || showsExact ? "exact" : "blend";
  }

  get tiles() {
    return this.parts?.atlas ?? this.parts?.grid;
  }

  /** The four pictures around the point, with bilinear weights: the atlas has them on the edges, the grid in cells. */
  fourNearest() {
    const { rows, columns } = this.tiles;
    const place = (share, count) =>
      this.parts.atlas ? share * (count - 1) : clamp(share * count - 0.5, 0, count - 1);
    const [x, y] = [place(this.share[0], columns), place(1 - this.share[1], rows)];
    const column = Math.min(Math.floor(x), Math.max(columns - 2, 0));
    const row = Math.min(Math.floor(y), Math.max(rows - 2, 0));
    const [fx, fy] = [x - column, y - row];
    const first = row * columns + column;
    return [
      [first, (1 - fx) * (1 - fy)],
      [first + 1, fx * (1 - fy)],
      [first + columns, (1 - fx) * fy],
      [first + columns + 1, fx * fy],
    ];
  }

  paintText() {
    const values = this.position().map((value) => spoken(value, 2));
    values.forEach((value, axis) => (this.coordinates[axis].textContent = `${this.data.axes[axis]} = ${value}`));
    if (this.dragging) return; // a screen reader hears where a drag ends, not all its points
    const near = this.nearName.textContent;
    this.sliders.forEach((slider, axis) => {
      slider.value = this.share[axis];
      slider.setAttribute("aria-valuetext", near ? `${values[axis]}, near ${near}` : values[axis]);
    });
  }

  paintNearest() {
    const pictures = this.parts?.nearPictures;
    if (!pictures) return;
    const index = this.findNearest(this.position());
    if (index === this.nearest) return;
    this.nearest = index;
    this.near.resize(pictures.width, pictures.height);
    this.enlargeNear();
    this.near.blend(pictures, [[index, 1]]);
    this.nearName.textContent = this.data.classes[this.parts.nearClasses?.[index]] ?? "";
  }

  findNearest([x, y]) {
    const points = this.nearPoints;
    let [best, distance] = [0, Infinity];
    for (let i = 0; i < points.length; i += 2) {
      const [dx, dy] = [points[i] - x, points[i + 1] - y];
      const square = dx * dx + dy * dy;
      if (square < distance) [best, distance] = [i / 2, square];
    }
    return best;
  }

  // --- The backdrop, drawn only when it changes ---

  paintGround() {
    this.groundIsOld = false;
    const context = this.ground.getContext("2d");
    const ratio = this.ground.width / this.side;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.side, this.side);
    const { backdrop } = this.data;
    const hasGrid = backdrop === "grid" || backdrop === "both";
    this.surface.classList.toggle("pictured", hasGrid);
    if (hasGrid && this.parts) this.drawGrid(context);
    this.drawAxes(context, Boolean(hasGrid && this.parts));
    if ((backdrop === "points" || backdrop === "both") && this.dots) {
      this.drawDots(context, hasGrid);
    }
    if (this.data.within) this.drawShade(context);
  }

  /** What lies outside an oval is dark. */
  drawShade(context) {
    const { center, inverse: [[a, b], [c, d]] } = this.data.within;
    const [x0, x1, y0, y1] = this.data.bounds;
    const scale = [this.side / (x1 - x0), -this.side / (y1 - y0)];
    const size = a * d - b * c;
    context.beginPath();
    context.rect(0, 0, this.side, this.side);
    context.save(); // the unit circle, through the matrix that `inverse` undoes
    context.translate((center[0] - x0) * scale[0], (center[1] - y1) * scale[1]);
    context.scale(...scale);
    context.transform(d / size, -c / size, -b / size, a / size, 0, 0);
    context.moveTo(1, 0);
    context.arc(0, 0, 1, 0, 2 * Math.PI);
    context.restore();
    context.fillStyle = "rgba(0, 0, 0, 0.66)";
    context.fill("evenodd");
    context.strokeStyle = "#fff";
    context.lineWidth = 1.5;
    context.stroke();
  }

  drawGrid(context) {
    context.imageSmoothingQuality = "high";
    const { grid, atlas } = this.parts;
    if (grid) {
      context.drawImage(grid.image, 0, 0, this.side, this.side);
      return;
    }
    // The atlas has a picture on each edge, so half of the outer ones lies off the plane.
    const [stepX, stepY] = [this.side / (atlas.columns - 1), this.side / (atlas.rows - 1)];
    const [width, height] = [this.side + stepX, this.side + stepY];
    context.drawImage(atlas.image, -stepX / 2, -stepY / 2, width, height);
  }

  /** Lines at whole latent values, with these beside them; over pictures short ticks, and the values on a dark ground. */
  drawAxes(context, onGrid) {
    const style = getComputedStyle(this.root);
    context.strokeStyle = onGrid ? "#fff" : style.getPropertyValue("--rule");
    context.font = `11px ${style.fontFamily}`;
    context.lineWidth = 1;
    for (const axis of [0, 1]) {
      for (const { share, value } of this.ticks(axis)) this.drawTick(context, axis, share, spoken(value, 0), onGrid);
    }
  }

  drawTick(context, axis, share, text, onGrid) {
    const at = Math.round((axis === 0 ? share : 1 - share) * this.side) + 0.5;
    const length = onGrid ? TICK : this.side;
    context.beginPath();
    context.moveTo(axis === 0 ? at : 0, axis === 0 ? this.side : at);
    context.lineTo(axis === 0 ? at : length, axis === 0 ? this.side - length : at);
    context.stroke();
    const [left, bottom] = axis === 0 ? [at + 4, this.side - 6] : [TICK + 1, at - 4];
    if (onGrid) {
      context.fillStyle = "rgba(0, 0, 0, 0.75)";
      context.fillRect(left - 2, bottom - 10, context.measureText(text).width + 4, 13);
    }
    context.fillStyle = onGrid ? "#fff" : getComputedStyle(this.root).getPropertyValue("--quiet");
    context.fillText(text, left, bottom);
  }

  /** Whole latent values inside the plane, six or so a side. */
  ticks(axis) {
    const [low, high] = this.data.bounds.slice(2 * axis, 2 * axis + 2);
    const place = (plane, value) => ({ share: (plane - low) / (high - low), value });
    const ticks = this.data.warp
      ? WARPED_TICKS.map((value) => place(normalShare(value), value))
      : this.wholeTicks(low, high).map((value) => place(value, value));
    return ticks.filter(({ share }) => share > 0.02 && share < 0.98);
  }

  wholeTicks(low, high) {
    const step = Math.max(1, Math.ceil((high - low) / 9));
    const ticks = [];
    for (let value = Math.ceil(low / step) * step; value <= high; value += step) ticks.push(value);
    return ticks;
  }

  drawDots(context, onGrid) {
    const { dotClasses } = this.parts;
    const radius = clamp(100 / Math.sqrt(dotClasses.length), 1.5, 3); // many dots are small dots
    context.strokeStyle = onGrid ? "rgba(0, 0, 0, 0.75)" : "rgba(0, 0, 0, 0.25)";
    context.lineWidth = onGrid ? 1.6 : 0.6;
    const paths = new Map();
    for (let i = 0; i < dotClasses.length; i++) {
      if (this.hidden.has(dotClasses[i])) continue;
      if (!paths.has(dotClasses[i])) paths.set(dotClasses[i], new Path2D());
      const x = (this.dots[2 * i] / 65535) * this.side;
      const y = (1 - this.dots[2 * i + 1] / 65535) * this.side;
      traceSign(paths.get(dotClasses[i]), signOf(dotClasses[i], this.data.palette), x, y, radius);
    }
    for (const [index, path] of paths) {
      context.fillStyle = this.color(index);
      context.stroke(path);
      context.fill(path);
    }
  }
}

export default (component) => attach(component, Pad);

// What a model makes of a picture: the picture as the model sees it, the one it decodes, and between them the code, a bar
// a number; a code of two numbers is a place on the plane.

const SEEN_SIDE = 140; // CSS pixels of a picture
const CODE_HEIGHT = 96;
const DEVIATIONS = 2; // of the ellipse that a variational model is not certain within

class Seen {
  constructor() {
    this.pictures = [0, 1].map(() => new Picture("picture", { role: "img" }));
    this.names = [0, 1].map(() => make("div", "seen-name"));
    this.chart = make("canvas", "code", { role: "img" });
    const figures = this.pictures.map(({ canvas }, k) => make("div", "", {}, [canvas, this.names[k]]));
    this.element = make("div", "seen", {}, [make("div", "pair", {}, figures), this.chart]);
    this.element.hidden = true;
  }

  update({ shape, names }) {
    Object.assign(this, { shape, code: [], reach: 1 });
    this.pictures.forEach((picture, k) => {
      picture.resize(shape[1], shape[0]);
      picture.canvas.setAttribute("aria-label", names[k]);
      this.names[k].textContent = names[k];
    });
    this.resize();
    this.clear();
  }

  resize() {
    const [, width] = this.shape;
    this.pictures.forEach((picture) => picture.enlarge(sharpFactor(SEEN_SIDE, width, SEEN_SIDE)));
    this.element.style.width = `${2 * SEEN_SIDE + 12}px`; // as in seen.css
    if (sharpen(this.chart, 2 * SEEN_SIDE + 12, CODE_HEIGHT)) this.paintCode();
  }

  clear() {
    this.pictures.forEach(({ context, canvas }) => context.clearRect(0, 0, canvas.width, canvas.height));
    this.code = [];
    this.paintCode();
  }

  /** Show pictures in 0..1 and what lies between them; logVariance: undefined of a plain autoencoder. */
  show(given, rebuilt, code, logVariance) {
    [given, rebuilt].forEach((picture, k) => this.pictures[k].show(levelsOf(picture), this.shape[2]));
    Object.assign(this, { code, logVariance });
    this.paintCode();
  }

  paintCode() {
    const { chart, code } = this;
    const context = chart.getContext("2d");
    const style = getComputedStyle(this.element);
    const ratio = chart.width / chart.clientWidth || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, chart.width, chart.height);
    chart.setAttribute("aria-label", `The code: ${code.length === 1 ? "1 number" : `${code.length} numbers`}`);
    if (!code.length) return;
    this.reach = Math.max(this.reach, ...code.map(Math.abs)); // it only grows, so that bars can be compared
    const colors = { ink: style.getPropertyValue("--st-primary-color"), rule: style.getPropertyValue("--rule") };
    if (code.length === 2) this.paintPlace(context, colors);
    else this.paintBars(context, colors);
  }

  paintBars(context, { ink, rule }) {
    const { code, reach, chart: { clientWidth: width } } = this;
    const [wide, middle] = [width / code.length, CODE_HEIGHT / 2];
    context.fillStyle = rule;
    context.fillRect(0, middle - 0.5, width, 1);
    context.fillStyle = ink;
    code.forEach((value, k) => {
      const tall = (value / reach) * (middle - 1);
      context.fillRect(k * wide, middle - Math.max(tall, 0), Math.max(wide * 0.8, 0.5), Math.max(Math.abs(tall), 0.5));
    });
  }

  /** The place of a code of two numbers, and the ellipse of what the encoder is not certain of. */
  paintPlace(context, { ink, rule }) {
    const { code, logVariance, reach, chart: { clientWidth: width } } = this;
    const unit = (CODE_HEIGHT / 2 - 4) / Math.max(reach, 3);
    const [x, y] = [width / 2 + code[0] * unit, CODE_HEIGHT / 2 - code[1] * unit];
    context.fillStyle = rule;
    context.fillRect(0, CODE_HEIGHT / 2 - 0.5, width, 1);
    context.fillRect(width / 2 - 0.5, 0, 1, CODE_HEIGHT);
    context.fillStyle = context.strokeStyle = ink;
    if (logVariance) {
      const axes = Array.from(logVariance, (value) => DEVIATIONS * Math.exp(value / 2) * unit);
      context.beginPath();
      context.ellipse(x, y, ...axes, 0, 0, 2 * Math.PI);
      context.stroke();
    }
    context.beginPath();
    context.arc(x, y, 3, 0, 2 * Math.PI);
    context.fill();
  }
}

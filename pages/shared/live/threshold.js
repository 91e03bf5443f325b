// A histogram with a line across it: what lies at or beyond the line is counted at every move.

const HINT = "Arrow keys move the line, with Shift or Page Up and Page Down in bigger steps, Home and End to the ends.";

/** How many of the sorted values are below a value. */
function below(sorted, value) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

class Threshold extends View {
  constructor(parent) {
    super(parent, "threshold", HINT);
    this.chart = make("canvas", "chart", { "aria-hidden": "true" });
    this.line = new Line(this, { children: [this.chart], small: 0.005, big: 0.05 });
    this.text = make("div", "counts");
    this.ends = [make("span"), make("span", "number"), make("span")];
    this.root.append(this.text, this.line.track, make("div", "ends", {}, this.ends));
  }

  update(data) {
    this.data = data;
    this.line.track.setAttribute("aria-label", data.label);
    this.line.track.style.height = `${data.height}px`;
    if (this.adopt(data)) this.line.share = (data.at - data.low) / (data.high - data.low);
    this.loadParts(data.parts);
    this.resize();
  }

  take({ others, wanted }) {
    this.scores = [others, wanted].map((bytes) => new Float64Array(bytes.buffer));
    this.chartIsOld = true;
    this.request();
  }

  resize() {
    if (!this.data.height) return;
    this.line.fit();
    if (sharpen(this.chart, this.line.length, this.data.height)) this.chartIsOld = true;
    this.request();
  }

  // --- The value ---

  position() {
    const { low, high } = this.data;
    return [low + this.line.share * (high - low), 0];
  }

  commit() {
    this.report(this.position()[0]);
  }

  // --- Painting ---

  paint() {
    if (!this.line.length || !this.scores) return;
    if (this.chartIsOld) this.paintChart();
    this.line.paint();
    const { low, high, names, known } = this.data;
    const [value] = this.position();
    const [others, wanted] = this.scores.map((sorted) => sorted.length - below(sorted, value));
    const text = known
      ? `${wanted} of ${this.scores[1].length} ${names[1]} and ${others} ${names[0]} beyond the line`
      : `${others} of ${this.scores[0].length} ${names[0]} beyond the line`;
    const digits = decimals(high - low, 6);
    this.text.textContent = text;
    this.ends[0].textContent = spoken(low, digits);
    this.ends[1].textContent = `threshold ${spoken(value, digits)}`;
    this.ends[2].textContent = spoken(high, digits);
    if (this.dragging) return; // a screen reader hears where it comes to rest
    const [least, most, now] = [low, high, value].map((number) => number.toFixed(digits));
    this.line.speak(least, most, now, `${spoken(value, digits)}, ${text}`);
  }

  /** Columns side by side: the others behind, the wanted in front; a single picture is still two pixels tall. */
  paintChart() {
    this.chartIsOld = false;
    const { low, high, height, bins, colors } = this.data;
    const { length } = this.line;
    const context = this.chart.getContext("2d");
    const ratio = this.chart.width / length;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, length, height);
    const edge = (k) => low + (k / bins) * (high - low);
    const counts = this.scores.map((sorted) =>
      Array.from({ length: bins }, (_, k) => below(sorted, edge(k + 1)) - below(sorted, edge(k))));
    const tallest = Math.log(Math.max(2, ...counts[0]));
    const tall = (count) => (count ? (0.12 + 0.83 * (Math.log(count) / tallest)) * height : 0);
    const wide = length / bins;
    counts.forEach((row, kind) => {
      context.fillStyle = colors[kind];
      row.forEach((count, k) => {
        const top = tall(count) * (kind ? 0.8 : 1);
        context.fillRect(k * wide, height - top, Math.max(wide - 1, 1), top);
      });
    });
  }
}

export default (component) => attach(component, Threshold);

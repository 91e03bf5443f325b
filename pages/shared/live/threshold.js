// A histogram with a line across it: what lies at or beyond the line is counted at every move.

const STEP = 0.005; // of the range, for an arrow key
const BIG_STEP = 0.05;
const KEYS_HINT = "Arrow keys move the line, with Shift or Page Up and Page Down in bigger steps, Home and End to the ends.";
const COLORS = ["#3f90da", "#bd1f01"]; // the others, the wanted

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

class Threshold extends LineView {
  constructor(parent) {
    super(parent, "threshold", 0, STEP, BIG_STEP);
    this.chart = make("canvas", "chart", { "aria-hidden": "true" });
    this.handle = make("div", "handle");
    const surface = make(
      "div",
      "track",
      { role: "slider", tabindex: "0", "aria-describedby": "hint", "aria-orientation": "horizontal" },
      [this.chart, this.handle],
    );
    this.text = make("div", "counts");
    this.ends = [make("span"), make("span", "number"), make("span")];
    this.root.append(
      this.text,
      surface,
      make("div", "ends", {}, this.ends),
      make("p", "spoken-only", { id: "hint" }, [KEYS_HINT]),
    );
    this.slide(surface);
  }

  update(data) {
    this.data = data;
    this.surface.setAttribute("aria-label", data.label);
    this.surface.style.height = `${data.height}px`;
    if (this.adopt(data)) this.share = (data.at - data.low) / (data.high - data.low);
    this.loadParts(data.parts);
    this.resize();
    this.request();
  }

  take({ others, wanted }) {
    this.scores = [others, wanted].map((bytes) => new Float64Array(bytes.buffer));
    this.chartIsOld = true;
    this.request();
  }

  resize() {
    if (!this.data.height) return;
    this.length = this.surface.clientWidth;
    if (sharpen(this.chart, this.length, this.data.height)) this.chartIsOld = true;
    this.request();
  }

  // --- The value ---

  position() {
    const { low, high } = this.data;
    return [low + this.share * (high - low), 0];
  }

  commit() {
    this.report(this.position()[0]);
  }

  // --- Painting ---

  paint() {
    if (!this.length || !this.scores) return;
    if (this.chartIsOld) this.paintChart();
    const { low, high, names, known, label } = this.data;
    const [value] = this.position();
    const [others, wanted] = this.scores.map((sorted) => sorted.length - below(sorted, value));
    const digits = clamp(2 - Math.floor(Math.log10(high - low)), 0, 6);
    this.handle.style.transform = `translateX(${this.share * this.length}px)`;
    const text = known
      ? `${wanted} of ${this.scores[1].length} ${names[1]} and ${others} ${names[0]} beyond the line`
      : `${others} of ${this.scores[0].length} ${names[0]} beyond the line`;
    this.text.textContent = text;
    this.ends[0].textContent = spoken(low, digits);
    this.ends[1].textContent = `threshold ${spoken(value, digits)}`;
    this.ends[2].textContent = spoken(high, digits);
    if (this.dragging) return; // a screen reader hears where it comes to rest
    this.surface.setAttribute("aria-label", label);
    this.surface.setAttribute("aria-valuemin", low.toFixed(digits));
    this.surface.setAttribute("aria-valuemax", high.toFixed(digits));
    this.surface.setAttribute("aria-valuenow", value.toFixed(digits));
    this.surface.setAttribute("aria-valuetext", `${spoken(value, digits)}, ${text}`);
  }

  /** Columns side by side: the others behind, the wanted in front; a single picture is still two pixels tall. */
  paintChart() {
    this.chartIsOld = false;
    const { low, high, height, bins } = this.data;
    const context = this.chart.getContext("2d");
    const ratio = this.chart.width / this.length;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.length, height);
    const edge = (k) => low + (k / bins) * (high - low);
    const counts = this.scores.map((sorted) =>
      Array.from({ length: bins }, (_, k) => below(sorted, edge(k + 1)) - below(sorted, edge(k))));
    const tall = (count) => (count ? (0.12 + 0.83 * (Math.log(count) / Math.log(Math.max(2, ...counts[0])))) * height : 0);
    const wide = this.length / bins;
    counts.forEach((row, kind) => {
      context.fillStyle = COLORS[kind];
      row.forEach((count, k) => {
        const top = tall(count) * (kind ? 0.8 : 1);
        context.fillRect(k * wide, height - top, Math.max(wide - 1, 1), top);
      });
    });
  }
}

export default function (component) {
  return attach(component, Threshold);
}

// A sentence for browsers that protect the canvas, beside a control that has to read pixels back. It is tested once.

const COLOR = [63, 144, 218, 255];
const NOISY = 8; // levels on average; what a browser changes in the last bits harms no picture

function readsNoise() {
  const side = 16;
  const context = new OffscreenCanvas(side, side).getContext("2d");
  context.fillStyle = `rgb(${COLOR.slice(0, 3)})`;
  context.fillRect(0, 0, side, side);
  const { data } = context.getImageData(0, 0, side, side);
  const off = data.reduce((sum, value, at) => sum + Math.abs(value - COLOR[at % 4]), 0);
  return off / data.length > NOISY;
}

const noisy = readsNoise();

export default ({ parentElement, data: { text } }) => {
  parentElement.note ??= parentElement.appendChild(make("div", "live", { role: "note" }));
  parentElement.note.hidden = !noisy;
  parentElement.note.textContent = noisy ? text : "";
};

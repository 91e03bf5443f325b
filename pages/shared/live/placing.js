// A drawing as a model sees it: centered and scaled as ae_core/pictures/subject.py does it, the same numbers to 1e-6.

const TRACE = 0.02; // ink at which the box begins
const OFF_CENTER = 0.5; // pixels: MNIST has the center of mass at 14.5 of 28
const CLOSED = 3; // pixels: gaps of an outline that are closed

/**
 * Ink (side * side) in 0..1 for a model of `shape` [height, width, channels].
 *
 * room: shape [height, width] at which the ink is placed, what is left over being black; margin: empty pixels around it;
 * digit: its center of mass goes to the middle; garment: what an outline surrounds is filled; light: black on white.
 */
function placed(ink, side, shape, room) {
  const [height, width, channels] = shape;
  const [rows, columns] = room.shape;
  const small = centered(room.garment ? filled(ink, side) : ink, side, room);
  const [top, left] = [(height - rows) >> 1, (width - columns) >> 1];
  const picture = new Float32Array(height * width * channels).fill(room.light ? 1 : 0);
  small.forEach((level, at) => {
    const place = (top + Math.floor(at / columns)) * width + left + (at % columns);
    picture.fill(room.light ? 1 - level : level, place * channels, (place + 1) * channels);
  });
  return picture;
}

/** Every pixel (rows * columns) is the exact mean of the area it covers, wherever that begins. */
function centered(ink, side, { shape, margin, digit }) {
  const [rows, columns] = shape;
  const small = new Float64Array(rows * columns);
  const lines = [Math.floor, (at) => at % side].map((line, axis) => {
    const [sums, most] = [new Float64Array(side), new Float64Array(side)];
    for (let at = 0; at < ink.length; at++) {
      const k = axis ? line(at) : Math.floor(at / side);
      sums[k] += ink[at];
      most[k] = Math.max(most[k], ink[at]);
    }
    return { sums, from: most.findIndex((level) => level > TRACE), to: most.findLastIndex((level) => level > TRACE) + 1 };
  });
  if (lines[0].to === 0) return small;
  const scale = Math.min(...lines.map(({ from, to }, axis) => (shape[axis] - 2 * margin) / (to - from)));
  const [down, across] = lines.map(({ sums, from, to }, axis) => {
    const total = sums.reduce((all, sum) => all + sum);
    const mass = sums.reduce((all, sum, k) => all + sum * (k + 0.5), 0) / total;
    const start = digit ? shape[axis] / 2 + OFF_CENTER - scale * mass : shape[axis] / 2 - (scale * (from + to)) / 2;
    return coverage(shape[axis], side, scale, start);
  });
  const half = new Float64Array(rows * side); // scaled down, not yet across
  down.forEach(([row, from, share]) => {
    for (let k = 0; k < side; k++) half[row * side + k] += share * ink[from * side + k];
  });
  across.forEach(([column, from, share]) => {
    for (let row = 0; row < rows; row++) small[row * columns + column] += share * half[row * side + from];
  });
  return small.map((level) => Math.min(Math.max(level, 0), 1));
}

/** Which share of each of `count` pixels the scaled ones of a line cover: [pixel, scaled one, share] each. */
function coverage(count, length, scale, start) {
  const shares = [];
  for (let from = 0; from < length; from++) {
    const [low, high] = [start + scale * from, start + scale * (from + 1)];
    for (let pixel = Math.max(Math.floor(low), 0); pixel < Math.min(high, count); pixel++) {
      const share = Math.min(high, pixel + 1) - Math.max(low, pixel);
      if (share > 0) shares.push([pixel, from, share]);
    }
  }
  return shares;
}

/** The ink of an outline with its small gaps closed and with what it surrounds. */
function filled(ink, side) {
  const wide = side + 2 * CLOSED; // with a rim on all sides
  let mask = new Uint8Array(wide * wide);
  const place = (at) => (Math.floor(at / side) + CLOSED) * wide + (at % side) + CLOSED;
  ink.forEach((level, at) => (mask[place(at)] = level > 0.5 ? 1 : 0));
  for (let n = 0; n < CLOSED; n++) mask = grown(mask, wide, 1);
  for (let n = 0; n < CLOSED; n++) mask = grown(mask, wide, 0);
  const reached = [];
  const reach = (at) => {
    if (mask[at]) return;
    mask[at] = 2; // outside
    reached.push(at);
  };
  for (let k = 0; k < wide; k++) [k, (wide - 1) * wide + k, k * wide, k * wide + wide - 1].forEach(reach);
  while (reached.length) {
    const at = reached.pop();
    if (at % wide > 0) reach(at - 1);
    if (at % wide < wide - 1) reach(at + 1);
    if (at >= wide) reach(at - wide);
    if (at < wide * (wide - 1)) reach(at + wide);
  }
  return ink.map((level, at) => (mask[place(at)] === 2 ? level : 1));
}

/** What has `value` in a mask takes its four neighbors, too; beyond the edge is 0. */
function grown(mask, wide, value) {
  const next = mask.slice();
  const is = (at, inside) => (inside ? mask[at] : 0) === value;
  for (let at = 0; at < mask.length; at++) {
    const column = at % wide;
    if (is(at - 1, column > 0) || is(at + 1, column < wide - 1) || is(at - wide, at >= wide) ||
        is(at + wide, at < wide * (wide - 1))) next[at] = value;
  }
  return next;
}

/** Noise on a picture, in place: y[i] = x[i] · by[i] + more[i], clipped to 0 and 1 or not. */
function corrupt(picture, by, more, clips) {
  const [least, most] = clips ? [0, 1] : [-Infinity, Infinity];
  picture.forEach((level, i) => (picture[i] = Math.min(Math.max(level * by[i] + more[i], least), most)));
}

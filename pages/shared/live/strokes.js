// A pen's strokes as pixels, by arithmetic alone: the same points give the same pixels in every browser. Nothing is
// drawn on a canvas and read back, as browsers that protect it return noise.
//
// A stroke [[x, y], ...] is a smooth curve: its points steer it, and it runs through the middles between them. A pixel
// is inked by the distance d from its center to the nearest curve, in pixels: clamp(width / 2 + 1 / 2 - d, 0, 1), which
// is the part of the pixel that a straight edge covers.

const PIECES = 8; // straight ones, from one middle to the next

/** The curve of a stroke as the corners of its straight pieces. */
function curveOf(stroke) {
  const corners = [stroke[0]];
  for (let i = 1; i < stroke.length; i++) {
    const [from, steer] = [corners.at(-1), stroke[i - 1]];
    const to = [(steer[0] + stroke[i][0]) / 2, (steer[1] + stroke[i][1]) / 2];
    for (let k = 1; k <= PIECES; k++) {
      const t = k / PIECES;
      const [a, b, c] = [(1 - t) * (1 - t), 2 * (1 - t) * t, t * t];
      corners.push([0, 1].map((axis) => a * from[axis] + b * steer[axis] + c * to[axis]));
    }
  }
  return [...corners, stroke.at(-1)];
}

/** A square of pixels that strokes are drawn on: `scale` pixels for a unit of the points, a pen `width` units wide. */
class Ink {
  constructor(side, scale, width) {
    Object.assign(this, { side, scale, reach: (width * scale) / 2 + 0.5 });
    this.squares = new Float64Array(side * side).fill(Infinity); // of the distance to the nearest curve
  }

  draw(stroke) {
    this.drawLine(curveOf(stroke));
  }

  drawLine(corners) {
    for (let i = 1; i < corners.length; i++) this.drawPiece(corners[i - 1], corners[i]);
  }

  /** A copy with a stroke that still grows: here, all but its last piece is drawn, as only that will change. */
  withGrowing(stroke, drawn) {
    const corners = curveOf(stroke);
    this.drawLine(corners.slice(drawn, -1));
    const copy = Object.assign(new Ink(this.side, 0, 0), this, { squares: this.squares.slice() });
    copy.drawLine(corners.slice(-2));
    return copy;
  }

  drawPiece(from, to) {
    const { side, scale, reach, squares } = this;
    const [x, y] = [from[0] * scale, from[1] * scale];
    const [dx, dy] = [to[0] * scale - x, to[1] * scale - y];
    const length = dx * dx + dy * dy;
    const [left, right] = this.span(x, dx);
    const [top, bottom] = this.span(y, dy);
    for (let row = top; row < bottom; row++) {
      for (let column = left; column < right; column++) {
        const [px, py] = [column + 0.5 - x, row + 0.5 - y];
        const along = length === 0 ? 0 : Math.min(Math.max((px * dx + py * dy) / length, 0), 1);
        const [ox, oy] = [px - along * dx, py - along * dy];
        const at = row * side + column;
        squares[at] = Math.min(squares[at], ox * ox + oy * oy);
      }
    }
  }

  /** The pixels that a piece may touch along one axis: the first, and the one behind the last. */
  span(start, change) {
    const [low, high] = [Math.min(start, start + change) - this.reach, Math.max(start, start + change) + this.reach];
    return [Math.max(Math.floor(low), 0), Math.min(Math.ceil(high), this.side)];
  }

  /** Gray levels, side * side bytes, row by row; over those of a picture, if one lies beneath. */
  gray(base = null) {
    return new Uint8Array(this.squares.map((square, at) => { // several times faster than Uint8Array.from
      const covered = Math.min(Math.max(this.reach - Math.sqrt(square), 0), 1);
      return Math.max(Math.floor(255 * covered + 0.5), base ? base[at] : 0);
    }));
  }
}

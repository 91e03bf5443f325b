// Runs a small network in the browser: a served ONNX graph, as ae_core/browser.py packs it, in a Worker of its own.
// One picture or code at a time, float32, channels before rows and columns (C, H, W), every shape known beforehand.
// A convolution is a matrix product of its weights with the patches of its input. That product alone is WebAssembly
// (multiply.wat), and plain loops where WebAssembly is refused. A network goes live once it has rebuilt a known result.

const MULTIPLY = // multiply.wat, assembled; a test assembles it again
  "AGFzbQEAAAABCwFgB39/f39/f38AAhABBGxpdmUGbWVtb3J5AgABAwIBAAcMAQhtdWx0aXBseQAACocDAYQDAgV/BXsgBiAFQQZ0aiELIARBD2pB" +
  "cHFBAnQhByAEQQJ0IQQDQCAHQcAAayEHIAEgB2ohCSAGIQoDQCAKIAn9AAQA/QsEACAKIAn9AAQQ/QsEECAKIAn9AAQg/QsEICAKIAn9AAQw/QsE" +
  "MCAJIARqIQkgCkHAAGoiCiALSQ0ACyAAIQlBACEIA0D9DAAAAAAAAAAAAAAAAAAAAAAhDf0MAAAAAAAAAAAAAAAAAAAAACEO/QwAAAAAAAAAAAAA" +
  "AAAAAAAAIQ/9DAAAAAAAAAAAAAAAAAAAAAAhECAGIQoDQCAJ/QkCACEMIA0gDCAK/QAEAP3mAf3kASENIA4gDCAK/QAEEP3mAf3kASEOIA8gDCAK" +
  "/QAEIP3mAf3kASEPIBAgDCAK/QAEMP3mAf3kASEQIAlBBGohCSAKQcAAaiIKIAtJDQALIAIgCCAEbGogB2ohCiAKIA39CwQAIAogDv0LBBAgCiAP" +
  "/QsEICAKIBD9CwQwIAhBAWoiCCADSQ0ACyAHDQALCw==";
const TOLERANCE = 1e-4; // of a known picture or code, in parts of 1 or, where that is larger, of its largest number

/** The whole script of the Worker, which sees nothing of this file but what it is handed. */
function runtime(MULTIPLY, TOLERANCE) {
  // --- The operations: each plans once and returns what runs. x, w, b come in, y goes out. ---------------------------

  const operations = {
    /** y[m, n] = b[n] + Σ x[m, k] w[k, n];  x (M, K), w (K, N), b (N), y (M, N). */
    Gemm({ x, w, b, y, product }) {
      const [depth, columns] = w.shape;
      const multiply = product(x, w, y, y.size / columns, columns, depth);
      return () => {
        multiply();
        if (b) add(y, b, y, 1);
      };
    },
    /** y[o, p, q] = b[o] + Σ w[o, cij] x[c, p·s + i − top, q·s + j − left];  x (C, H, W), w (O, CIJ), y (O, P, Q). */
    Conv({ x, w, b, y, node, product, scratch }) {
      const [filters, depth] = w.shape;
      const patches = scratch(depth, y.size / filters); // 0 wherever a tap lies outside x
      const multiply = product(w, patches, y, filters, y.size / filters, depth);
      const runs = taps(x, y, node);
      return () => {
        unfold(x, patches, runs);
        multiply();
        if (b) add(y, b, y, y.size / filters);
      };
    },
    /** y[o, p·s + i − top, q·s + j − left] = b[o] + Σ w[oij, c] x[c, p, q];  x (C, P, Q), w (OIJ, C), y (O, H, W). */
    ConvTranspose({ x, w, b, y, node, product, scratch }) {
      const [depth, channels] = w.shape;
      const patches = scratch(depth, x.size / channels);
      const multiply = product(w, x, patches, depth, x.size / channels, channels);
      const runs = taps(y, x, node);
      return () => {
        multiply();
        fold(patches, y, runs);
        if (b) add(y, b, y, y.size / b.size);
      };
    },
    /** y[c, p, q] = max over (i, j) of x[c, p·s + i, q·s + j];  x (C, H, W), y (C, P, Q). */
    MaxPool({ x, y, node, scratch }) {
      const [taken, places] = [sizeOf(node.kernel), y.shape[2] * y.shape[3]];
      const patches = scratch(taken * y.size); // (c, i, j, p, q)
      const runs = taps(x, y, node);
      return () => {
        unfold(x, patches, runs);
        y.data.fill(-Infinity);
        patches.data.forEach((number, k) => {
          const i = Math.floor(k / (taken * places)) * places + (k % places);
          y.data[i] = Math.max(y.data[i], number);
        });
      };
    },
    /** y[i] = x[i] + w[k], y[i] = x[i] · w[k];  w (N) repeats over x: k = ⌊i / inner⌋ mod N. */
    Add: ({ x, w, y, node }) => () => add(x, w, y, node.inner),
    Mul: ({ x, w, y, node }) => () => scale(x, w, y, node.inner),
    /** y[i] = max(x[i], 0);  y[i] = x[i], or alpha · x[i] below 0;  y[i] = 1 / (1 + e^−x[i]). */
    Relu: ({ x, y }) => () => bend(x, y, 0),
    LeakyRelu: ({ x, y, node: { alpha } }) => () => bend(x, y, alpha),
    Sigmoid: ({ x, y }) => () => {
      for (let i = 0, from = x.data, to = y.data; i < to.length; i++) to[i] = 1 / (1 + Math.exp(-from[i]));
    },
    /** Axis a of y is axis order[a] of x. */
    Transpose: ({ x, y, node }) => gather(x, y, node.order),
    /** y[i, j, ...] = x[i mod I, j mod J, ...];  x (I, J, ...). */
    Tile: ({ x, y }) => gather(x, y, x.shape.keys()),
    /** y is x, then w along an axis: in memory, a piece of each in turn. */
    Concat({ x, w, y, node }) {
      const [first, second] = [x, w].map(({ shape }) => sizeOf(shape.slice(node.axis)));
      return () => {
        for (let piece = 0, to = 0; to < y.size; piece++, to += first + second) {
          y.data.set(x.data.subarray(piece * first, (piece + 1) * first), to);
          y.data.set(w.data.subarray(piece * second, (piece + 1) * second), to + first);
        }
      };
    },
    /** The same numbers in the same order under another shape: they stay where they are. */
    Reshape: ({ x, y }) => void (y.same = x),
    Unsqueeze: ({ x, y }) => void (y.same = x),
  };

  // --- What they are made of -----------------------------------------------------------------------------------------

  const sizeOf = (sides) => sides.reduce((all, side) => all * side, 1);
  function add({ data: from }, { data: by }, { data: to }, inner) {
    for (let i = 0, k = 0; i < to.length; k = (k + 1) % by.length) {
      for (const end = i + inner, term = by[k]; i < end; i++) to[i] = from[i] + term;
    }
  }

  function scale({ data: from }, { data: by }, { data: to }, inner) {
    for (let i = 0, k = 0; i < to.length; k = (k + 1) % by.length) {
      for (const end = i + inner, factor = by[k]; i < end; i++) to[i] = from[i] * factor;
    }
  }

  /** y[i] = x[i], or alpha · x[i] below 0, without a branch, which would be guessed wrong at every other number. */
  function bend({ data: from }, { data: to }, alpha) {
    for (let i = 0, half = (1 + alpha) / 2; i < to.length; i++) to[i] = half * from[i] + (1 - half) * Math.abs(from[i]);
  }

  /** y[at]: the number of x whose index along axis order[a] is at[a], modulo its length; looked up once. */
  function gather(x, y, order) {
    const axes = [...order].map((axis, a) => ({
      side: x.shape[axis], from: sizeOf(x.shape.slice(axis + 1)), to: sizeOf(y.shape.slice(a + 1)), sides: y.shape[a],
    }));
    const places = Int32Array.from({ length: y.size }, (_, i) =>
      axes.reduce((place, { side, from, to, sides }) => place + ((Math.floor(i / to) % sides) % side) * from, 0));
    return () => {
      for (let i = 0, from = x.data, to = y.data; i < to.length; i++) to[i] = from[places[i]];
    };
  }

  /**
   * Where the taps (i, j) of a kernel that stands at places (P, Q) meet a picture (C, H, W). The patches (CIJ, PQ) hold
   * what lies under each. A run is a row of q: [place in the picture, place in the patches, count].
   */
  function taps({ shape: [, channels, height, width] }, { shape: [, , rows, columns] }, { kernel, strides, pads }) {
    const [[down, across], [top, left]] = [strides, pads];
    const runs = [];
    for (let c = 0, line = 0; c < channels; c++) {
      for (let i = 0; i < kernel[0]; i++) {
        for (let j = 0; j < kernel[1]; j++) {
          const first = Math.max(0, Math.ceil((left - j) / across));
          const last = Math.min(columns - 1, Math.floor((width - 1 + left - j) / across));
          for (let p = 0; p < rows; p++, line += columns) {
            const row = p * down + i - top;
            const start = (c * height + row) * width + first * across + j - left;
            if (row >= 0 && row < height && first <= last) runs.push(start, line + first, last - first + 1);
          }
        }
      }
    }
    return { runs: Int32Array.from(runs), across };
  }

  /** patches[k] = picture[i] for all i and k that meet. */
  function unfold({ data: picture }, { data: patches }, { runs, across }) {
    for (let r = 0; r < runs.length; r += 3) {
      for (let i = runs[r], k = runs[r + 1], end = k + runs[r + 2]; k < end; k++, i += across) patches[k] = picture[i];
    }
  }

  /** picture[i] = the sum of patches[k] for all k that meet it. */
  function fold({ data: patches }, { data: picture }, { runs, across }) {
    picture.fill(0);
    for (let r = 0; r < runs.length; r += 3) {
      for (let i = runs[r], k = runs[r + 1], end = k + runs[r + 2]; k < end; k++, i += across) picture[i] += patches[k];
    }
  }

  /** c = a · b in plain loops, four columns at a time;  a (rows, depth), b (depth, columns), c (rows, columns). */
  function multiplyPlainly({ data: a }, { data: b }, { data: c }, rows, columns, depth) {
    for (let row = 0, to = 0; row < rows; row++) {
      let column = 0;
      for (; column + 3 < columns; column += 4) {
        let [p, q, r, s] = [0, 0, 0, 0];
        for (let k = row * depth, end = k + depth, from = column; k < end; k++, from += columns) {
          const factor = a[k];
          p += factor * b[from];
          q += factor * b[from + 1];
          r += factor * b[from + 2];
          s += factor * b[from + 3];
        }
        for (const total of [p, q, r, s]) c[to++] = total;
      }
      for (; column < columns; column++) {
        let total = 0;
        for (let k = 0; k < depth; k++) total += a[row * depth + k] * b[k * columns + column];
        c[to++] = total;
      }
    }
  }

  // --- A graph: nodes planned, volumes given memory, constants put into it -------------------------------------------
  /** Load a packed half of a model; `plain` does without WebAssembly. */
  function load(bytes, plain) {
    const [length] = new Uint32Array(bytes, 0, 1);
    const head = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, length)));
    const volumes = [];
    const scratch = (...shape) => volumes[volumes.push({ shape, size: sizeOf(shape) }) - 1];
    head.shapes.forEach((shape) => scratch(...shape));
    const strip = scratch(0);
    const graph = {};
    const product = (a, b, c, rows, columns, depth) => {
      strip.size = Math.max(strip.size, 16 * depth);
      return () => graph.multiply(a, b, c, rows, columns, depth, strip.at);
    };
    graph.steps = head.nodes.map((node) => {
      const [x, w, b] = node.from.map((index) => volumes[index]);
      return operations[node.kind]({ x, w, b, y: volumes[node.to], node, product, scratch });
    }).filter(Boolean);
    Object.assign(graph, allocate(volumes, plain));
    for (const [index, at, half] of head.constants) {
      const { data, size } = volumes[index];
      const place = [bytes, 4 + length + at, size];
      data.set(half ? widened(new Uint16Array(...place)) : new Float32Array(...place));
    }
    for (const role of ["inputs", "outputs", "known"]) {
      graph[role] = Object.entries(head[role]).map(([name, index]) => [name, volumes[index].data]);
    }
    return graph;
  }

  /** Give every volume its memory, one behind the other, 64 bytes apart for multiply.wat to run over. */
  function allocate(volumes, plain) {
    let end = 0;
    for (const each of volumes.filter(({ same }) => !same)) {
      each.at = end;
      end = Math.ceil((end + 4 * each.size + 64) / 16) * 16;
    }
    const wasm = plain ? null : assembled(Math.ceil(end / 65536));
    const buffer = wasm?.memory.buffer ?? new ArrayBuffer(end);
    for (const each of volumes) {
      each.at ??= each.same.at;
      each.data = new Float32Array(buffer, each.at, each.size);
    }
    const multiply = (a, b, c, ...sizes) => wasm.multiply(a.at, b.at, c.at, ...sizes);
    return { multiply: wasm ? multiply : multiplyPlainly, simd: wasm !== null };
  }

  /** multiply.wat with its memory; null where a page's policy refuses WebAssembly, or a browser has no SIMD. */
  function assembled(pages) {
    try {
      const code = Uint8Array.from(atob(MULTIPLY), (character) => character.charCodeAt(0));
      const memory = new WebAssembly.Memory({ initial: pages });
      return { memory, ...new WebAssembly.Instance(new WebAssembly.Module(code), { live: { memory } }).exports };
    } catch {
      return null;
    }
  }

  /** float16 as float32: (−1)^sign · 2^(exponent − 25) · (1024 + fraction), or 2^−24 · fraction. */
  function widened(halves) {
    const size = (power, fraction) => (power ? 2 ** (power - 25) * (1024 + fraction) : 2 ** -24 * fraction);
    widened.table ??= Float32Array.from({ length: 65536 }, (_, bits) =>
      (bits & 0x8000 ? -1 : 1) * size((bits >> 10) & 31, bits & 1023));
    return new Float32Array(halves).map((bits) => widened.table[bits]); // typed arrays' own `from` is slow
  }

  /** {name: numbers} of the outputs for {name: numbers} of the inputs. */
  function run({ inputs, steps, outputs }, values) {
    for (const [name, data] of inputs) data.set(values[name]);
    for (const step of steps) step();
    return Object.fromEntries(outputs.map(([name, data]) => [name, data.slice()]));
  }

  /** Run until it is fast, and compare with the known result: the largest difference. */
  function check(graph) {
    const known = Object.fromEntries(graph.known);
    const largest = (numbers) => numbers.reduce((most, number) => Math.max(most, Math.abs(number)), 0);
    const start = performance.now();
    let found;
    for (let n = 0; n < 2 || (n < 40 && performance.now() - start < 200); n++) found = run(graph, known);
    const error = Math.max(...Object.entries(found).map(([name, numbers]) =>
      largest(numbers.map((number, i) => number - known[name][i])) / Math.max(1, largest(known[name]))));
    if (!(error <= TOLERANCE)) throw new Error(`The network is off by ${error} from its known result.`);
    return error;
  }

  const graphs = {};
  const answers = {
    load({ half, bytes, plain }) {
      const graph = load(bytes, plain);
      const error = check(graph);
      graphs[half] = graph;
      return { error, simd: graph.simd };
    },
    /** Through halves one after the other; what the encoder finds is what the decoder is given. */
    run({ halves, values }) {
      const start = performance.now();
      for (const half of halves) {
        values = { ...values, ...run(graphs[half], values) };
        values.code ??= values.mean ?? values.latent;
      }
      return { ...values, milliseconds: performance.now() - start };
    },
  };
  onmessage = ({ data: { id, kind, told } }) => {
    try {
      postMessage({ id, answer: answers[kind](told) });
    } catch (error) {
      postMessage({ id, fault: error.message });
    }
  };
}

// A model that runs in the browser, and the queue before it: what a page holds of network.js, which stands before this.

const LIMIT_MS = 20_000; // a network that is not ready by then is left to the server

/** A model in a Worker. Whatever is asked of a Worker that was refused, or that broke, is rejected with the reason. */
class Network {
  constructor() {
    this.waiting = new Map(); // {id: [resolve, reject]}
    this.count = 0;
    const script = `(${runtime})(${JSON.stringify(MULTIPLY)}, ${TOLERANCE})`;
    Network.url ??= URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    try {
      this.worker = new Worker(Network.url);
      this.worker.onmessage = ({ data }) => this.settle(data);
      this.worker.onerror = ({ message }) => this.close(message || "The browser refused the Worker."); // it never throws
    } catch (error) {
      this.close(error.message);
    }
  }

  ask(kind, told) {
    return new Promise((resolve, reject) => {
      if (this.fault) return reject(new Error(this.fault));
      this.waiting.set(++this.count, [resolve, reject]);
      this.worker.postMessage({ id: this.count, kind, told });
    });
  }

  settle({ id, answer, fault }) {
    const [resolve, reject] = this.waiting.get(id);
    this.waiting.delete(id);
    if (fault) reject(new Error(fault));
    else resolve(answer);
  }

  /** Make a half ("encoder" or "decoder") ready: {error, simd}. */
  load(half, bytes, plain = false) {
    const limit = setTimeout(() => this.close("The network was not ready in time."), LIMIT_MS);
    return this.ask("load", { half, bytes, plain }).finally(() => clearTimeout(limit));
  }

  /** Run halves one after the other on {name: numbers}: all that went in and came out, and the milliseconds. */
  run(halves, values) {
    return this.ask("run", { halves, values });
  }

  /** End the Worker, which gives its memory back. */
  close(fault = "The network was closed.") {
    this.fault ??= fault;
    this.worker?.terminate();
    for (const [, reject] of this.waiting.values()) reject(new Error(this.fault));
    this.waiting.clear();
  }
}

/** A component's place in the queue: one question is on its way; of those behind it, only the newest waits. */
class Slot {
  constructor(network, take, lose) {
    Object.assign(this, { network, take, lose, busy: false, next: null });
  }

  /** take(answer, about) gets the answer; lose(error) hears that there will be none. */
  ask(halves, values, about) {
    if (this.busy) return void (this.next = [halves, values, about]);
    this.busy = true;
    const free = () => {
      const { next } = this;
      Object.assign(this, { busy: false, next: null });
      if (next) this.ask(...next);
    };
    this.network.run(halves, values).then((answer) => this.take(answer, about)).catch(this.lose).finally(free);
  }
}

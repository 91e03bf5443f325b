// Put into every page of the browser tests before its own scripts: window.atRest() says whether all that was set off has
// ended, so that a test waits for that and never for seconds. Counted are short timers, decoded pictures, requests, and
// runs of the page's script that were asked for and have not been answered.
(() => {
  const SHORT_MS = 2000; // longer timers are heartbeats
  const open = new Set(); // what was set off and has not ended
  let asked = true; // opening a page asks for its first run

  const set = window.setTimeout;
  const clear = window.clearTimeout;
  window.setTimeout = (run, wait = 0, ...rest) => {
    const timer = set(() => {
      open.delete(timer);
      if (typeof run === "function") run(...rest);
    }, wait);
    if (wait <= SHORT_MS) open.add(timer);
    return timer;
  };
  window.clearTimeout = (timer) => {
    open.delete(timer);
    clear(timer);
  };

  const until = (promise) => {
    open.add(promise);
    const ended = () => open.delete(promise);
    promise.then(ended, ended);
    return promise;
  };
  const { decode } = HTMLImageElement.prototype;
  HTMLImageElement.prototype.decode = function () {
    return until(decode.call(this));
  };
  const { fetch, createImageBitmap } = window;
  window.fetch = (...request) => until(fetch(...request));
  window.createImageBitmap = (...source) => until(createImageBitmap(...source));
  const { send } = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.send = function (...body) {
    open.add(this);
    this.addEventListener("loadend", () => open.delete(this));
    return send.apply(this, body);
  };

  // Streamlit's messages are protobuf: BackMsg.rerun_script is field 11, ForwardMsg.script_finished is field 6.
  const [RERUN, FINISHED, OVERTAKEN] = [11, 6, 2];
  function* fields(buffer) {
    const bytes = new Uint8Array(buffer);
    let at = 0;
    const number = () => {
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        value += (bytes[at] & 127) * scale;
        if (bytes[at++] < 128) return value;
      }
    };
    while (at < bytes.length) {
      const tag = number();
      const value = number(); // a length where the wire type is 2
      yield [Math.floor(tag / 8), value];
      if (tag % 8 === 2) at += value;
    }
  }
  const Socket = window.WebSocket;
  window.WebSocket = class extends Socket {
    constructor(...place) {
      super(...place);
      this.addEventListener("message", ({ data }) => {
        for (const [field, value] of fields(data)) if (field === FINISHED && value !== OVERTAKEN) asked = false;
      });
    }
    send(data) {
      for (const [field] of fields(data)) asked ||= field === RERUN;
      super.send(data);
    }
  };

  const state = () => document.querySelector("[data-testid=stApp]")?.dataset.testScriptState;
  const still = () =>
    !asked &&
    open.size === 0 &&
    state() === "notRunning" &&
    !document.querySelector("[data-testid=stSkeleton], [data-stale=true]") &&
    [...document.images].every((image) => image.complete);
  let frames = 0; // one after another in which nothing was left to happen
  const watch = () => {
    frames = still() ? frames + 1 : 0;
    requestAnimationFrame(watch);
  };
  watch();
  window.atRest = () => frames > 3;
  /** What is left, for the message of a test that waited in vain. */
  window.unrest = () => ({ asked, open: [...open].map(String), state: state() });
})();

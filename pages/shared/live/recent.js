// A row of pictures: a click opens one; one that is dragged onto another, or carried there by keyboard, is morphed into it.

const FAR = 8; // CSS pixels that a pointer moves before it drags
const HINT = "Enter opens a face. M picks it up; then arrow keys go to another, Enter morphs the one into the other, " +
  "and Escape lets it go.";

class Recent extends View {
  constructor(parent) {
    super(parent, "recent", HINT);
    this.row = make("div", "row", { role: "group", "aria-label": "Recent faces" });
    this.root.append(this.row);
    this.on(this.row, "keydown", (event) => this.press(event));
    this.buttons = [];
    this.held = null; // the picture that a hand or the keyboard carries
  }

  update(data) {
    this.data = data;
    this.adopt(data);
    while (this.buttons.length > data.names.length) this.buttons.pop().remove();
    while (this.buttons.length < data.names.length) this.add(this.buttons.length);
    this.buttons.forEach((button, k) => button.setAttribute("aria-label", data.names[k]));
    this.loadParts(data.parts);
  }

  add(k) {
    const button = make("button", "face", { type: "button", "aria-describedby": "hint" }, [make("canvas")]);
    let from = null;
    this.on(button, "click", (event) => {
      if (event.detail && this.dragged) return; // the end of a drag
      if (this.held === null || this.held === k) this.choose([k]);
      else this.choose([this.held, k]);
    });
    this.drag(button, {
      start: () => {
        this.dragged = false;
        from = null;
        return () => this.carry(button, null);
      },
      move: (event) => {
        from ??= [event.clientX, event.clientY];
        const way = [event.clientX - from[0], event.clientY - from[1]];
        this.dragged ||= Math.hypot(...way) > FAR;
        if (!this.dragged) return;
        this.held = k;
        this.carry(button, way);
        this.over(event);
      },
      release: () => {
        const onto = this.buttons.findIndex((other) => other.classList.contains("below"));
        this.carry(button, null);
        if (this.dragged && onto >= 0) this.choose([k, onto]);
        else if (this.dragged) this.hold(null);
      },
    });
    this.row.append(button);
    this.buttons.push(button);
  }

  carry(button, way) {
    button.style.transform = way && `translate(${way[0]}px, ${way[1]}px)`;
    button.classList.toggle("carried", Boolean(way));
    if (!way) this.buttons.forEach((each) => each.classList.remove("below"));
  }

  /** Mark the picture below the one that is carried. */
  over({ clientX: x, clientY: y }) {
    this.buttons.forEach((button, k) => {
      const box = button.getBoundingClientRect();
      const inside = x >= box.left && x < box.right && y >= box.top && y < box.bottom;
      button.classList.toggle("below", inside && k !== this.held);
    });
  }

  hold(k) {
    this.held = k;
    this.buttons.forEach((button, each) => button.classList.toggle("held", each === k));
  }

  choose(at) {
    this.hold(null);
    this.report(at);
  }

  press(event) {
    const here = this.buttons.indexOf(event.target);
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || here < 0) return;
    if (step) this.buttons[here + step]?.focus();
    else if (event.key.toLowerCase() === "m") {
      this.hold(here);
      this.say(`${this.data.names[here]} is picked up. Go to another with the arrow keys and press Enter.`);
    } else if (event.key === "Escape") this.hold(null);
    else return;
    event.preventDefault();
  }

  take({ pictures: { image, columns, width, height } }) {
    this.buttons.forEach((button, k) => {
      const canvas = button.firstChild;
      [canvas.width, canvas.height] = [width, height];
      const [x, y] = [(k % columns) * width, Math.floor(k / columns) * height];
      canvas.getContext("2d").drawImage(image, x, y, width, height, 0, 0, width, height);
    });
  }

  resize() {}

  position() {
    return [this.held ?? -1, 0];
  }

  commit() {}

  paint() {}
}

export default (component) => attach(component, Recent);

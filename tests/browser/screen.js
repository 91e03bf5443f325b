// What lies on the first screen beside a sidebar: the marked boxes, and the share of the room that pictures cover.
(sidebar) => {
  const everything = [];
  const collect = (root) => root.querySelectorAll("*").forEach((element) => {
    everything.push(element);
    if (element.shadowRoot) collect(element.shadowRoot);
  });
  collect(document);
  const [width, height] = [innerWidth, innerHeight];
  const shown = (element) => {
    const box = element.getBoundingClientRect();
    return box.width > 0 && box.height > 0 && element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  };
  const boxes = (mark) => everything.filter((element) => element.hasAttribute(mark) && shown(element)).map((element) => {
    const box = element.getBoundingClientRect();
    return { width: box.width, height: box.height, middle: (box.top + box.bottom) / 2,
      whole: box.left >= 0 && box.top >= 0 && box.right <= width + 0.5 && box.bottom <= height + 0.5 };
  });
  const plain = (element) => { // of one color
    if (!(element instanceof HTMLCanvasElement)) return false;
    const small = Object.assign(document.createElement("canvas"), { width: 16, height: 16 });
    const context = small.getContext("2d");
    context.drawImage(element, 0, 0, 16, 16);
    const words = new Uint32Array(context.getImageData(0, 0, 16, 16).data.buffer);
    return words.every((word) => word === words[0]);
  };
  const pictures = everything.filter((element) => {
    if (!/^(img|canvas|svg)$/i.test(element.tagName) || !shown(element)) return false;
    const box = element.getBoundingClientRect();
    return box.width >= 60 && box.height >= 60 && !plain(element);
  }).map((element) => element.getBoundingClientRect());
  let [covered, all] = [0, 0]; // by sampling every fourth pixel
  for (let x = sidebar; x < width; x += 4) {
    for (let y = 0; y < height; y += 4) {
      all += 1;
      if (pictures.some((box) => x >= box.left && x < box.right && y >= box.top && y < box.bottom)) covered += 1;
    }
  }
  const holds = (main) => [main, ...main.querySelectorAll("img, canvas, svg")].some((element) =>
    /^(img|canvas|svg)$/i.test(element.tagName) && shown(element) && !plain(element));
  const mains = everything.filter((element) => element.hasAttribute("data-main") && shown(element));
  return { main: boxes("data-main"), control: boxes("data-control"), compared: boxes("data-compare"),
    covered: covered / all, painted: mains.length > 0 && mains.every(holds) };
}

// Put into every page that test_tablet.py opens: window.cutOff() names what cannot be seen whole: text that is wider than
// its box or reaches beyond one that clips, and buttons, pictures and fields that do; one line each. What may scroll
// sideways by itself (code, tables, formulas) is left out, and what only a screen reader is given.
(() => {
  const SLACK = 1.5; // CSS pixels: what rounding leaves
  const SCROLLS = "pre, code, table, [data-testid=stDataFrame], .katex-display";
  const WHOLE = "button, input, img, label, [role=radio], [role=slider], [role=application]";

  function* elements(root) {
    for (const element of root.querySelectorAll("*")) {
      yield element;
      if (element.shadowRoot) yield* elements(element.shadowRoot);
    }
  }
  const above = (element) => element.parentElement ?? element.getRootNode().host;
  const chain = (element) => (element ? [element, ...chain(above(element))] : []);
  // for a screen reader only, or waiting beyond the left edge, as the closed navigation does
  const unseen = (element) => {
    const style = getComputedStyle(element);
    const { width, height, right } = element.getBoundingClientRect();
    return (width > 0 && right <= 0) || style.visibility === "hidden" || style.opacity === "0" || style.clipPath === "inset(50%)" ||
      (/hidden|clip/.test(style.overflowX) && (width <= 1 || height <= 1));
  };

  /** How far a rectangle reaches out of a box, in CSS pixels. */
  const out = (rect, left, right) => Math.max(left - rect.left, rect.right - right);

  /** What cuts a rectangle of an element off: {by: pixels, box: an ancestor or the window}; null where nothing does. */
  function cut(rect, ancestors) {
    for (const box of ancestors) {
      const { display, overflowX, overflowY } = getComputedStyle(box);
      if (overflowX === "visible" || display === "inline" || display === "contents") continue;
      const { left, top } = box.getBoundingClientRect();
      const start = left + box.clientLeft;
      const by = out(rect, start, start + box.clientWidth);
      if (by > SLACK) return { by, box };
      if (/auto|scroll/.test(overflowY)) break; // beyond it, where things are says nothing
      const floor = top + box.clientTop + box.clientHeight;
      if (rect.bottom - floor > 4 * SLACK) return { by: rect.bottom - floor, box }; // descenders have some room
    }
    const by = out(rect, 0, document.documentElement.clientWidth);
    return by > SLACK ? { by, box: document.documentElement } : null;
  }

  const called = (element) => `${element.localName}.${[...element.classList].join(".")}`;
  const told = ({ by, box }, what) => `${what}: ${by.toFixed(1)} px beyond ${called(box)}`;

  function* ofText(element, ancestors) {
    for (const node of element.childNodes) {
      if (node.nodeType !== Node.TEXT_NODE || !node.data.trim()) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const rect = range.getBoundingClientRect();
      const what = `"${node.data.trim().slice(0, 60)}"`;
      const block = ancestors.find((box) => !/^(inline|contents)$/.test(getComputedStyle(box).display));
      const svg = element.ownerSVGElement;
      const own = (svg ?? block).getBoundingClientRect();
      const by = out(rect, own.left, own.right);
      if (by > SLACK) yield told({ by, box: svg ?? block }, what);
      else if (cut(rect, ancestors)) yield told(cut(rect, ancestors), what);
    }
  }

  window.cutOff = () => {
    const found = [];
    for (const element of elements(document.body)) {
      if (!element.getClientRects().length || /^(script|style)$/.test(element.localName)) continue;
      const ancestors = chain(element);
      if (ancestors.some((box) => box.matches(SCROLLS) || unseen(box))) continue;
      if (element.dataset?.testid !== "stIconMaterial") found.push(...ofText(element, ancestors)); // its text is a name
      const beyond = element.matches(WHOLE) && cut(element.getBoundingClientRect(), ancestors.slice(1));
      if (beyond) found.push(told(beyond, called(element)));
      if (element.matches("input") && element.scrollWidth > element.clientWidth + SLACK)
        found.push(`${called(element)} "${element.value}" is wider than its field`);
    }
    const { scrollWidth, clientWidth } = document.scrollingElement;
    if (scrollWidth > clientWidth) found.push(`the page scrolls sideways: ${scrollWidth} > ${clientWidth}`);
    return [...new Set(found)];
  };
})();

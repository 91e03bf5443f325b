// Lets a screen reader say what has changed. The region is the page's own and stays where this component comes and goes,
// as a region that has just been made is not spoken.

const said = (window.__aeSaid ??= new Map()); // by key, what was said last

function region() {
  const found = document.getElementById("ae-said");
  if (found) return found;
  const made = make("div", "", { id: "ae-said", role: "status" });
  made.style.cssText = "position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%)";
  document.body.append(made);
  return made;
}

export default ({ data: { key, text } }) => {
  const spoken = region();
  if (said.has(key) && said.get(key) !== text) spoken.textContent = text;
  said.set(key, text);
};

// Carries the heavy data of a component: decodes it once and hands it over by its digest.

async function decodeParts(parts) {
  const decoded = {};
  for (const [name, part] of Object.entries(parts)) {
    if (part === null) continue;
    decoded[name] = typeof part === "string" ? bytesOf(part) : await decodeSheet(part);
  }
  return decoded;
}

class Parts {
  update({ id, parts }) {
    if (id === this.id) return;
    const entry = partsEntry(id);
    entry.users += 1;
    if (entry.users === 1) decodeParts(parts).then(entry.deliver);
    this.destroy();
    this.id = id;
  }

  destroy() {
    const entry = partsStore.get(this.id);
    if (!entry) return;
    entry.users -= 1;
    if (entry.users === 0) partsStore.delete(this.id);
  }
}

export default (component) => attach(component, Parts);

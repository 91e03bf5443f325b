// Offers a model to the components of a page: fetched once they ask, made ready in a Worker, and kept for a while.

const KEPT = 3; // models; of more, the one that was offered first is let go

class Model {
  constructor(halves) {
    this.addresses = halves;
    this.halves = {}; // by name, what resolves once it runs
  }

  /** A place in the queue before some halves, once they run here; rejected where they do not. */
  async slot(halves, take, lose) {
    this.network ??= new Network();
    await Promise.all(halves.map((half) => (this.halves[half] ??= this.fetch(half))));
    return new Slot(this.network, take, lose);
  }

  async fetch(half) {
    const answer = await fetch(new URL(this.addresses[half], document.baseURI));
    if (!answer.ok) throw new Error(await answer.text());
    return this.network.load(half, await answer.arrayBuffer());
  }

  close() {
    this.network?.close();
  }
}

export default ({ data: { id, halves } }) => {
  const entry = modelEntry(id);
  entry.model ??= new Model(halves);
  entry.deliver(entry.model);
  modelStore.delete(id);
  modelStore.set(id, entry); // at the end, as the newest
  for (const [old, { model }] of [...modelStore].slice(0, -KEPT)) {
    model?.close();
    modelStore.delete(old);
  }
};

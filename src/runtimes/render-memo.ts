/** Remembers what was looked up for a step, for the other steps of the same render. What failed is looked up again. */
export class RenderMemo<T> {
  readonly #renders = new WeakMap<object, Map<string, Promise<T>>>();

  /** @param render stands for the render; without one nothing is shared */
  find(render: object = {}, key: string, look: () => Promise<T>): Promise<T> {
    const known = this.#renders.get(render) ?? new Map<string, Promise<T>>();
    this.#renders.set(render, known);
    const found = known.get(key);
    if (found) return found;
    const looking = look();
    known.set(key, looking);
    looking.catch(() => known.delete(key));
    return looking;
  }
}

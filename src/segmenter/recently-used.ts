/** A map that knows the order in which its values were last used. */

/** Values by key. Where a limit is given, a further value takes the place of the least recently used one. */
export class RecentlyUsed<V> {
  readonly #limit: number;
  /** The least recently used first: a Map keeps the order of insertion. */
  readonly #values = new Map<string, V>();

  constructor(limit = Infinity) {
    this.#limit = limit;
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  /** The value, which thereby becomes the most recently used one. */
  get(key: string): V | undefined {
    const value = this.#values.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  set(key: string, value: V): void {
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size > this.#limit) this.#values.delete(this.#values.keys().next().value!);
  }

  /** Removes the key, where it still has that value. */
  delete(key: string, value: V | undefined = this.#values.get(key)): void {
    if (this.#values.get(key) === value) this.#values.delete(key);
  }

  clear(): void {
    this.#values.clear();
  }

  /** The least recently used first; a copy, so that entries may be deleted on the way. */
  entries(): readonly (readonly [key: string, value: V])[] {
    return [...this.#values];
  }
}

/** A hash table with open addressing that numbers the vertices of a lattice in the order of their first occurrence. */

const FIRST_CAPACITY = 1 << 12;
const EMPTY = -1;

/** Keys are integers in [0, 2^53]. */
export class VertexTable {
  #keys = new Float64Array(FIRST_CAPACITY);
  #ids = new Int32Array(FIRST_CAPACITY).fill(EMPTY);
  #mask = FIRST_CAPACITY - 1;
  #byId = new Float64Array(FIRST_CAPACITY >> 1);
  #size = 0;

  /** The number of keys. */
  get size(): number {
    return this.#size;
  }

  /** The keys in the order of their numbers. */
  get keys(): Float64Array {
    return this.#byId.subarray(0, this.#size);
  }

  /** The number of a key, or −1 if the table does not contain it. */
  find(key: number): number {
    return this.#ids[this.#slotOf(key)]!;
  }

  /** The number of a key, which is added if the table does not contain it. */
  add(key: number): number {
    const slot = this.#slotOf(key);
    const known = this.#ids[slot]!;
    if (known !== EMPTY) return known;
    const id = this.#size;
    this.#keys[slot] = key;
    this.#ids[slot] = id;
    this.#byId[id] = key;
    this.#size = id + 1;
    if (this.#size === this.#byId.length) this.#grow();
    return id;
  }

  /**
   * The slot of the key, or the empty slot where it would be added. Multiplicative hashing of both halves (Knuth, 6.4).
   */
  #slotOf(key: number): number {
    const mixed = Math.imul(key | 0, 0x9e3779b1) ^ Math.imul((key / 2 ** 32) | 0, 0x85ebca6b);
    const [keys, ids, mask] = [this.#keys, this.#ids, this.#mask];
    let slot = (mixed ^ (mixed >>> 15)) & mask;
    while (ids[slot] !== EMPTY && keys[slot] !== key) slot = (slot + 1) & mask;
    return slot;
  }

  /** Doubles the number of slots, of which at most half are occupied. */
  #grow(): void {
    const [keys, capacity] = [this.#byId, 2 * this.#keys.length];
    this.#keys = new Float64Array(capacity);
    this.#ids = new Int32Array(capacity).fill(EMPTY);
    this.#mask = capacity - 1;
    this.#byId = new Float64Array(capacity >> 1);
    this.#byId.set(keys);
    for (let id = 0; id < this.#size; id++) {
      const slot = this.#slotOf(keys[id]!);
      this.#keys[slot] = keys[id]!;
      this.#ids[slot] = id;
    }
  }
}

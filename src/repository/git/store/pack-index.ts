import { readFile } from 'node:fs/promises';
import type { Oid } from '../types.ts';

const MAGIC = 0xff744f63;
const VERSION = 2;
const FANOUT_AT = 8;
const NAMES_AT = FANOUT_AT + 256 * 4;
const OID_BYTES = 20;
const TRAILER_BYTES = 2 * OID_BYTES;
/** An offset from here on is a place in the table of those that need eight bytes. */
const LARGE = 0x80000000;

/** Names and places in a pack's `.idx` file of version 2 (gitformat-pack). */
export class PackIndex {
  readonly #bytes: Buffer;

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** @throws RangeError when the file is no whole index */
  static async read(path: string): Promise<PackIndex> {
    return PackIndex.of(await readFile(path));
  }

  static of(bytes: Buffer): PackIndex {
    if (
      bytes.length < NAMES_AT + TRAILER_BYTES ||
      bytes.readUInt32BE(0) !== MAGIC ||
      bytes.readUInt32BE(4) !== VERSION
    ) {
      throw new RangeError('not a pack index of version 2');
    }
    const index = new PackIndex(bytes);
    if (bytes.length < index.#largeOffsetsAt + TRAILER_BYTES) {
      throw new RangeError('the pack index is cut off');
    }
    return index;
  }

  get size(): number {
    return this.#fanout(255);
  }

  /** Hex checksum that the pack file ends with. */
  get packChecksum(): string {
    return this.#bytes.toString('hex', this.#bytes.length - TRAILER_BYTES, this.#bytes.length - OID_BYTES);
  }

  has(oid: Oid): boolean {
    return this.#positionOf(oid) !== undefined;
  }

  /**
   * Where the object begins in the pack; undefined when the pack does not hold it.
   * @throws RangeError when the index is damaged
   */
  offsetOf(oid: Oid): number | undefined {
    const position = this.#positionOf(oid);
    if (position === undefined) return undefined;
    // A checksum of four bytes stands between the names and the offsets.
    const offset = this.#bytes.readUInt32BE(NAMES_AT + this.size * (OID_BYTES + 4) + position * 4);
    if (offset < LARGE) return offset;
    return Number(this.#bytes.readBigUInt64BE(this.#largeOffsetsAt + (offset - LARGE) * 8));
  }

  #positionOf(oid: Oid): number | undefined {
    const wanted = Buffer.from(oid, 'hex');
    const first = wanted[0];
    if (first === undefined || wanted.length !== OID_BYTES) return undefined;
    let low = first === 0 ? 0 : this.#fanout(first - 1);
    let high = this.#fanout(first);
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = NAMES_AT + middle * OID_BYTES;
      const order = wanted.compare(this.#bytes, at, at + OID_BYTES);
      if (order === 0) return middle;
      if (order < 0) high = middle;
      else low = middle + 1;
    }
    return undefined;
  }

  /** Offsets beyond 2 GiB stand behind the others. */
  get #largeOffsetsAt(): number {
    return NAMES_AT + this.size * (OID_BYTES + 8);
  }

  /** How many objects have a first byte of at most `byte`. */
  #fanout(byte: number): number {
    return this.#bytes.readUInt32BE(FANOUT_AT + byte * 4);
  }
}

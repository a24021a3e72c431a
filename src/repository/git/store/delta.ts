/** Reads numbers of seven bits a byte, the lowest first. */
class DeltaCursor {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get ended(): boolean {
    return this.at >= this.#bytes.length;
  }

  byte(): number {
    const byte = this.#bytes[this.at];
    if (byte === undefined) throw new RangeError('the delta is cut off');
    this.at += 1;
    return byte;
  }

  size(): number {
    let size = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      size += (byte & 0x7f) * scale;
      if (byte < 0x80) return size;
    }
  }

  /** Of the next `count` bytes those whose bit is set in `present` are there, the lowest first. */
  sparse(present: number, count: number): number {
    let value = 0;
    for (let index = 0; index < count; index++) if (present & (1 << index)) value += this.byte() * 256 ** index;
    return value;
  }

  slice(length: number): Uint8Array {
    if (this.at + length > this.#bytes.length) throw new RangeError('the delta is cut off');
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }
}

/** What a copy without a length copies. */
const DEFAULT_COPY = 0x10000;

/**
 * Content that a delta makes of its base (gitformat-pack).
 * @throws RangeError when it does not fit the base
 */
export function applyDelta(base: Uint8Array, delta: Uint8Array): Buffer {
  const cursor = new DeltaCursor(delta);
  if (cursor.size() !== base.length) throw new RangeError('the delta is for a base of another length');
  const length = cursor.size();
  const parts: Uint8Array[] = [];
  let made = 0;
  while (!cursor.ended) {
    const part = readPart(cursor, base);
    made += part.length;
    if (made > length) break;
    parts.push(part);
  }
  if (made !== length) throw new RangeError('the delta makes content of another length than it says');
  return Buffer.concat(parts, length);
}

function readPart(cursor: DeltaCursor, base: Uint8Array): Uint8Array {
  const instruction = cursor.byte();
  if (instruction === 0) throw new RangeError('the delta has an unknown instruction');
  if (instruction < 0x80) return cursor.slice(instruction);
  const offset = cursor.sparse(instruction & 0xf, 4);
  const length = cursor.sparse((instruction >> 4) & 0x7, 3) || DEFAULT_COPY;
  if (offset + length > base.length) throw new RangeError('the delta copies from beyond its base');
  return base.subarray(offset, offset + length);
}

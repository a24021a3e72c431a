import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { LRUCache } from 'lru-cache';
import type { Oid } from '../types.ts';
import { inflated } from './compress.ts';
import { applyDelta } from './delta.ts';
import { hasCode } from './error-code.ts';
import type { ObjectType } from './object-format.ts';
import { PackIndex } from './pack-index.ts';

/** What is stored of an object, its id not checked. */
export interface StoredObject {
  readonly type: ObjectType;
  readonly content: Buffer;
}

/** An object, or what it takes to make it from the object at another place of the pack. */
type Entry = StoredObject | { readonly baseAt: number; readonly delta: Buffer };

interface EntryHeader {
  readonly type: number;
  /** Of what is compressed. */
  readonly size: number;
  /** Where the header ends, and the compressed bytes or the reference to a base begin. */
  readonly end: number;
}

const TYPES: Readonly<Record<number, ObjectType>> = { 1: 'commit', 2: 'tree', 3: 'blob', 4: 'tag' };
const OFFSET_DELTA = 6;
const NAME_DELTA = 7;
const OID_BYTES = 20;
/** Holds most objects whole, and with them all that stands before the content. */
const WINDOW_BYTES = 4096;
/** Git makes chains of 50, and takes none longer than this. */
const MAX_CHAIN = 4096;

const BASES_BYTES = 8 * 1024 * 1024;

/** Objects that others were made from, of all packs of a repository: trees of neighbouring revisions share theirs. */
export class DeltaBases {
  readonly #objects = new LRUCache<string, StoredObject>({ maxSize: BASES_BYTES });

  get(pack: string, at: number): StoredObject | undefined {
    return this.#objects.get(`${pack}:${at}`);
  }

  add(pack: string, at: number, object: StoredObject): void {
    this.#objects.set(`${pack}:${at}`, object, { size: object.content.length + 200 });
  }
}

/**
 * Reads single objects of a pack (gitformat-pack). The file is opened for each: that costs a hundredth of a millisecond, while
 * a repository's packs held open, or in memory, cost something all the time.
 */
export class PackFile {
  readonly #path: string;
  readonly #index: PackIndex;
  readonly #bases: DeltaBases;
  readonly #window = Buffer.allocUnsafe(WINDOW_BYTES);

  private constructor(path: string, index: PackIndex, bases: DeltaBases) {
    this.#path = path;
    this.#index = index;
    this.#bases = bases;
  }

  /**
   * @param path of the pack or its index, without `.pack` or `.idx`
   * @throws RangeError when there is no whole index
   */
  static async open(path: string, bases: DeltaBases): Promise<PackFile> {
    return new PackFile(`${path}.pack`, await PackIndex.read(`${path}.idx`), bases);
  }

  has(oid: Oid): boolean {
    return this.#index.offsetOf(oid) !== undefined;
  }

  /** @throws RangeError and what the file system or zlib says when the pack does not hold it whole */
  read(oid: Oid): StoredObject {
    const file = openSync(this.#path, 'r');
    try {
      return this.#resolve(file, this.#placeOf(oid));
    } finally {
      closeSync(file);
    }
  }

  #placeOf(oid: Oid): number {
    const offset = this.#index.offsetOf(oid);
    if (offset === undefined) throw new RangeError(`the pack does not hold ${oid}`);
    return offset;
  }

  #resolve(file: number, place: number): StoredObject {
    const deltas: { readonly at: number; readonly delta: Buffer }[] = [];
    let at = place;
    let entry = this.#bases.get(this.#path, at) ?? this.#readEntry(file, at);
    while ('delta' in entry) {
      deltas.push({ at, delta: entry.delta });
      if (deltas.length > MAX_CHAIN) throw new RangeError('the pack has too long a chain of deltas');
      at = entry.baseAt;
      entry = this.#bases.get(this.#path, at) ?? this.#readEntry(file, at);
    }
    let object = entry;
    for (const step of deltas.reverse()) {
      this.#bases.add(this.#path, at, object);
      object = { type: object.type, content: applyDelta(object.content, step.delta) };
      at = step.at;
    }
    return object;
  }

  #readEntry(file: number, at: number): Entry {
    const length = readSync(file, this.#window, 0, WINDOW_BYTES, at);
    const start = this.#window.subarray(0, length);
    const { type, size, end } = readHeader(start);
    const inflateFrom = (from: number) => inflateAt(file, { at: at + from, size, there: start.subarray(from) });
    if (type === OFFSET_DELTA) {
      const { distance, end: from } = readDistance(start, end);
      if (distance > at) throw new RangeError('a delta has its base before the pack');
      return { baseAt: at - distance, delta: inflateFrom(from) };
    }
    if (type === NAME_DELTA) {
      const base = start.toString('hex', end, end + OID_BYTES);
      return { baseAt: this.#placeOf(base), delta: inflateFrom(end + OID_BYTES) };
    }
    const known = TYPES[type];
    if (known === undefined) throw new RangeError(`the pack holds an object of the unknown type ${type}`);
    return { type: known, content: inflateFrom(end) };
  }
}

/** Type and length: four bits of the length beside the type, then seven a byte, the lowest first. */
function readHeader(bytes: Buffer): EntryHeader {
  let byte = byteAt(bytes, 0);
  const type = (byte >> 4) & 0x7;
  let size = byte & 0xf;
  let end = 1;
  for (let scale = 16; byte >= 0x80; scale *= 128) {
    byte = byteAt(bytes, end);
    size += (byte & 0x7f) * scale;
    end += 1;
  }
  return { type, size, end };
}

/** Seven bits a byte, the highest first, and one added for each byte more, so that no number has two forms. */
function readDistance(bytes: Buffer, start: number): { readonly distance: number; readonly end: number } {
  let end = start;
  let byte = byteAt(bytes, end);
  let distance = byte & 0x7f;
  while (byte >= 0x80) {
    end += 1;
    byte = byteAt(bytes, end);
    distance = (distance + 1) * 128 + (byte & 0x7f);
  }
  return { distance, end: end + 1 };
}

function byteAt(bytes: Buffer, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new RangeError('the pack is cut off');
  return byte;
}

interface Compressed {
  readonly at: number;
  readonly size: number;
  /** What has been read from there on, and maybe more than is needed. */
  readonly there: Buffer;
}

/** The length of what is compressed is not known: what follows it is left alone. */
function inflateAt(file: number, { at, size, there }: Compressed): Buffer {
  const rest = fstatSync(file).size - at;
  const likely = size + Math.ceil(size / 8) + 1024;
  let bytes = there.length >= Math.min(likely, rest) ? there : readAt(file, at, Math.min(likely, rest));
  for (;;) {
    try {
      return inflated(bytes, size);
    } catch (error) {
      // Badly compressed content may be longer than expected.
      if (!hasCode(error, 'Z_BUF_ERROR') || bytes.length >= rest) throw error;
      bytes = readAt(file, at, Math.min(bytes.length * 4, rest));
    }
  }
}

function readAt(file: number, at: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  return bytes.subarray(0, readSync(file, bytes, 0, length, at));
}

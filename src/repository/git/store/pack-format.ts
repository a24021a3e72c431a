import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import type { Oid } from '../types.ts';
import { deflated } from './compress.ts';
import type { EncodedObject, ObjectType } from './object-format.ts';

/** A pack and its index, both of version 2 (gitformat-pack). */
export interface EncodedPack {
  /** Hex checksum of the pack, after which its files are named. */
  readonly checksum: string;
  readonly pack: Buffer;
  readonly index: Buffer;
}

interface Entry {
  readonly oid: Oid;
  readonly bytes: Buffer;
  readonly offset: number;
}

const TYPE_NUMBERS = { commit: 1, tree: 2, blob: 3, tag: 4 } as const satisfies Record<ObjectType, number>;
const HEADER_BYTES = 12;
const VERSION = 2;
const INDEX_MAGIC = 0xff744f63;
/** Objects are compressed on this thread, and after so much content others have their turn. */
const SLICE_BYTES = 1024 * 1024;

/** @param objects different ones, of less than 2 GiB together */
export async function encodePack(objects: readonly EncodedObject[]): Promise<EncodedPack> {
  const entries: Entry[] = [];
  let offset = HEADER_BYTES;
  let slice = 0;
  for (const { oid, type, content } of objects) {
    const bytes = Buffer.concat([entryHeader(type, content.byteLength), deflated(content)]);
    entries.push({ oid, bytes, offset });
    offset += bytes.length;
    slice += content.byteLength;
    if (slice < SLICE_BYTES) continue;
    slice = 0;
    await setImmediate();
  }
  const header = Buffer.from(`PACK${'\0'.repeat(8)}`, 'latin1');
  header.writeUInt32BE(VERSION, 4);
  header.writeUInt32BE(entries.length, 8);
  const pack = withChecksum([header, ...entries.map(({ bytes }) => bytes)]);
  const checksum = pack.subarray(pack.length - 20);
  return { checksum: checksum.toString('hex'), pack, index: encodeIndex(entries, checksum) };
}

/** Type and length: four bits of the length beside the type, then seven a byte, the lowest first. */
function entryHeader(type: ObjectType, length: number): Buffer {
  const bytes = [(TYPE_NUMBERS[type] << 4) | (length & 0xf)];
  for (let rest = Math.floor(length / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.push((bytes.pop() ?? 0) | 0x80, rest & 0x7f);
  }
  return Buffer.from(bytes);
}

function encodeIndex(entries: readonly Entry[], packChecksum: Buffer): Buffer {
  const sorted = entries.toSorted((a, b) => (a.oid < b.oid ? -1 : 1));
  const counts = new Array<number>(256).fill(0);
  for (const { oid } of sorted) {
    const first = Number.parseInt(oid.slice(0, 2), 16);
    counts[first] = (counts[first] ?? 0) + 1;
  }
  let sum = 0;
  const fanout = counts.map((count) => {
    sum += count;
    return sum;
  });
  return withChecksum([
    words([INDEX_MAGIC, VERSION, ...fanout]),
    Buffer.from(sorted.map(({ oid }) => oid).join(''), 'hex'),
    words(sorted.map(({ bytes }) => crc32(bytes))),
    words(sorted.map(({ offset }) => offset)),
    packChecksum,
  ]);
}

function words(values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, index * 4);
  return bytes;
}

function withChecksum(parts: readonly Buffer[]): Buffer {
  const sum = createHash('sha1');
  for (const part of parts) sum.update(part);
  return Buffer.concat([...parts, sum.digest()]);
}

import { deflateSync, inflateSync } from 'node:zlib';

/** Drafts are small and short-lived; git packs them well when it repacks. */
const LEVEL = 1;
const MIN_CHUNK = 64;
const MAX_CHUNK = 256 * 1024;

/** zlib lays out 16 KiB for each result, however small; a fleet writes thousands of a few hundred bytes between two collections. */
export function deflated(content: Uint8Array): Buffer {
  const bound = content.byteLength + (content.byteLength >> 10) + MIN_CHUNK;
  return deflateSync(content, { level: LEVEL, chunkSize: Math.min(bound, MAX_CHUNK) });
}

/** More than one chunk costs another round, and a larger one memory for as long as the content is kept. */
const CHUNK_SPARE = 64;

/**
 * @param packed may go on behind the compressed content
 * @param size what must come out, in bytes
 * @throws RangeError when it is not that much; zlib's error when the bytes are damaged or cut off
 */
export function inflated(packed: Uint8Array, size: number): Buffer {
  const content = inflateSync(packed, { chunkSize: size + CHUNK_SPARE, maxOutputLength: Math.max(size, 1) });
  if (content.length !== size) throw new RangeError('an object has another length than it says');
  return content;
}

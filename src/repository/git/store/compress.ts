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

/**
 * @param size what must come out at most, in bytes
 * @throws RangeError ERR_BUFFER_TOO_LARGE when it is more; zlib's error when the bytes are damaged
 */
export function inflated(packed: Uint8Array, size: number): Buffer {
  const chunkSize = Math.min(Math.max(size, MIN_CHUNK), MAX_CHUNK);
  return inflateSync(packed, { maxOutputLength: Math.max(1, size), chunkSize });
}

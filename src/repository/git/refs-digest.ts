import { createHash } from 'node:crypto';
import type { Oid } from './types.ts';

const BITS = 128;

/**
 * The digest of a state of refs after one of them has moved; undefined: it was, or is, not there. The digest of no refs is 0; it is
 * a sum over the refs, so that their order does not count, and one that moves costs one step.
 */
export function moveRef(digest: bigint, ref: string, from: Oid | undefined, to: Oid | undefined): bigint {
  const without = from === undefined ? digest : digest - termOf(ref, from);
  return BigInt.asUintN(BITS, to === undefined ? without : without + termOf(ref, to));
}

function termOf(ref: string, oid: Oid): bigint {
  const hash = createHash('sha256').update(`${ref} ${oid}`).digest();
  return hash.readBigUInt64BE(0) * 2n ** 64n + hash.readBigUInt64BE(8);
}

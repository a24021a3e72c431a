import { createHash, timingSafeEqual } from 'node:crypto';
import { registryError } from './errors.ts';

/** `sha256:<hex>` of some bytes. */
export function sha256Digest(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** @throws TransientError DigestMismatch */
export function checkDigest(what: string, bytes: Uint8Array, digest: string): void {
  const verifier = new DigestVerifier(what, digest);
  verifier.update(bytes);
  verifier.end();
}

/** Hashes bytes as they come and compares at the end. */
export class DigestVerifier {
  readonly #what: string;
  readonly #digest: string;
  readonly #hash;

  constructor(what: string, digest: string) {
    this.#what = what;
    this.#digest = digest;
    this.#hash = createHash(digest.slice(0, digest.indexOf(':')));
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  /** @throws TransientError DigestMismatch */
  end(): void {
    const found = this.#hash.digest();
    const wanted = Buffer.from(this.#digest.slice(this.#digest.indexOf(':') + 1), 'hex');
    if (found.length === wanted.length && timingSafeEqual(found, wanted)) return;
    throw registryError('DigestMismatch', `${this.#what} is not what its digest ${this.#digest} says`);
  }
}

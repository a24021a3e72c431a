import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export interface SignedRequest {
  readonly headers: IncomingHttpHeaders;
  /** Signatures are over the bytes as they came. */
  readonly body: Uint8Array;
}

/** How git servers prove that they know the secret; a request is good when one way is. */
const PROOFS: readonly ((request: SignedRequest, secret: string) => boolean)[] = [
  // GitHub, Gitea and Forgejo.
  ({ headers, body }, secret) => signatureIs(headers['x-hub-signature-256'], 'sha256=', body, secret),
  // Gitea's own, and Gogs.
  ({ headers, body }, secret) => signatureIs(headers['x-gitea-signature'], '', body, secret),
  ({ headers, body }, secret) => signatureIs(headers['x-gogs-signature'], '', body, secret),
  // Bitbucket: HMAC-SHA-256 as well, under the name that was SHA-1's elsewhere.
  ({ headers, body }, secret) => signatureIs(headers['x-hub-signature'], 'sha256=', body, secret),
  ({ headers }, secret) => tokenIs(headers['x-gitlab-token'], secret),
  ({ headers }, secret) => tokenIs(bearer(headers.authorization), secret),
];

/** Whether the sender knows the secret. All ways are tried, so that the time tells nothing about which one. */
export function isAuthentic(request: SignedRequest, secret: string): boolean {
  return PROOFS.map((proof) => proof(request, secret)).includes(true);
}

function signatureIs(header: string | string[] | undefined, prefix: string, body: Uint8Array, secret: string): boolean {
  if (typeof header !== 'string' || !header.startsWith(prefix)) return false;
  const expected = createHmac('sha256', secret).update(body).digest('hex');
  return isSame(header.slice(prefix.length).toLowerCase(), expected);
}

function tokenIs(header: string | string[] | undefined, secret: string): boolean {
  return typeof header === 'string' && isSame(header, secret);
}

function bearer(header: string | undefined): string | undefined {
  return /^Bearer +(\S+)$/i.exec(header ?? '')?.[1];
}

/** In a time that depends on neither text; hashes have one length. */
function isSame(one: string, other: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(one), hash(other));
}

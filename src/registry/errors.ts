import { TerminalError, TransientError, type VerandaError } from '../api/errors.ts';
import { sanitiseText } from '../observability/sanitise.ts';

/**
 * Why a call to a registry failed. What may be put right outside of the object (a Secret, a tag, a certificate, a
 * network) is retried.
 */
export type RegistryReason =
  | 'AuthDenied'
  | 'TagNotFound'
  | 'ManifestNotFound'
  | 'BlobNotFound'
  | 'TLSVerify'
  | 'RegistryUnreachable'
  | 'TooManyRequests'
  | 'DigestMismatch'
  | 'RegistryRefused';

export function registryError(reason: RegistryReason, message: string, cause?: unknown): TransientError {
  return new TransientError(reason, message, { cause });
}

export function tooLarge(what: string, bytes: number, allowed: number): TerminalError {
  return new TerminalError('TooLarge', `${what} has ${bytes} bytes, ${allowed} are allowed`);
}

const MAX_TEXT = 300;
const MAX_CAUSES = 5;

/**
 * The registry's own words as they may be shown: one line, bounded, without anything that looks like a secret, and
 * without `secrets`, which it may have sent back.
 */
export function serverText(text: string, secrets: readonly string[] = []): string {
  const bare = secrets
    .filter((secret) => secret.length > 3)
    .reduce((kept, secret) => kept.replaceAll(secret, '…'), text);
  const line = sanitiseText(bare)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
    .trim();
  return line.length > MAX_TEXT ? `${line.slice(0, MAX_TEXT)}…` : line;
}

/** A failed connection as an error of ours. */
export function connectionError(error: unknown, place: string): VerandaError {
  const code = errorCodes(error).at(-1);
  if (isCertificateFault(code)) {
    return registryError('TLSVerify', `the TLS certificate of ${place} could not be verified (${code})`, error);
  }
  return registryError('RegistryUnreachable', `${place} could not be reached (${code ?? 'no answer'})`, error);
}

/** The codes of an error and of what caused it, outermost first: undici wraps what sockets say. */
export function errorCodes(error: unknown): readonly string[] {
  const codes: string[] = [];
  let current = error;
  for (let depth = 0; depth < MAX_CAUSES && typeof current === 'object' && current !== null; depth++) {
    if ('code' in current && typeof current.code === 'string') codes.push(current.code);
    const [first]: readonly unknown[] = 'errors' in current && Array.isArray(current.errors) ? current.errors : [];
    current = first ?? ('cause' in current ? current.cause : undefined);
  }
  return codes;
}

/** Codes of OpenSSL's verification, and Node's own for a certificate of another name. */
function isCertificateFault(code: string | undefined): boolean {
  if (code === undefined) return false;
  return (
    /^(?:CERT_|SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|UNABLE_TO_(?:GET_ISSUER|VERIFY)|INVALID_CA|INVALID_PURPOSE)/.test(
      code,
    ) || code === 'ERR_TLS_CERT_ALTNAME_INVALID'
  );
}

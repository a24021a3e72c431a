import { TerminalError } from '../../../api/errors.ts';
import type { Oid } from '../types.ts';

const OID = /^[0-9a-f]{40}$/;

export function isOid(text: string): text is Oid {
  return OID.test(text);
}

const MAX_REF_LENGTH = 1024;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const FORBIDDEN = /[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|[\ud800-\udfff](?![\udc00-\udfff])/;

/**
 * True for a full ref name that `git check-ref-format` accepts and that cannot be taken for an option or a pattern.
 * Stricter than git in one point: only names below `refs/` are taken.
 */
export function isRefName(name: string): boolean {
  if (!name.startsWith('refs/') || name.length > MAX_REF_LENGTH) return false;
  if (FORBIDDEN.test(name) || name.endsWith('/') || name.endsWith('.')) return false;
  const parts = name.split('/');
  return parts.length >= 3 && parts.every((part) => !part.startsWith('.') && !part.endsWith('.lock'));
}

/** @throws TerminalError InvalidRef */
export function checkRefName(name: string): void {
  if (!isRefName(name)) throw new TerminalError('InvalidRef', `${JSON.stringify(name)} is not a ref name`);
}

/** @throws TerminalError InvalidObjectId */
export function checkOid(oid: string): void {
  if (!isOid(oid)) throw new TerminalError('InvalidObjectId', `${JSON.stringify(oid)} is not an object id`);
}

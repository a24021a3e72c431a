import { TerminalError } from '../../../api/errors.ts';
import type { Oid } from '../types.ts';
import { isOid, isRefName } from './ref-format.ts';

const PEELED = '^{}';

/**
 * Reads the answer of `git ls-remote`. Refs whose name is not valid text or not a strict ref name are left out, and
 * so are lines that are no ref at all; a tag object's line is replaced by that of the commit it points at.
 * @throws TerminalError UnsupportedObjectFormat for SHA-256 repositories
 */
export function parseListing(stdout: Buffer): ReadonlyMap<string, Oid> {
  const refs = new Map<string, Oid>();
  for (const line of stdout.toString('utf8').split('\n')) {
    const tab = line.indexOf('\t');
    if (tab < 0) continue;
    const oid = line.slice(0, tab);
    if (oid.length === 64) {
      throw new TerminalError(
        'UnsupportedObjectFormat',
        'the repository uses SHA-256 object ids, which are not supported',
      );
    }
    const shown = line.slice(tab + 1);
    const name = shown.endsWith(PEELED) ? shown.slice(0, -PEELED.length) : shown;
    if (isOid(oid) && isRefName(name) && !name.includes('\ufffd')) refs.set(name, oid);
  }
  return refs;
}

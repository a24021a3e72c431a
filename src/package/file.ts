import { Buffer } from 'node:buffer';
import { TerminalError } from '../api/errors.ts';
import type { PackageFile } from './types.ts';

/** Same mode and same bytes. */
export function filesEqual(a: PackageFile, b: PackageFile): boolean {
  return a === b || (a.mode === b.mode && (a.bytes === b.bytes || Buffer.compare(a.bytes, b.bytes) === 0));
}

/**
 * Checks what a file's mode asks of its bytes: a link's target stays in the package, a submodule entry is a commit id.
 * @throws TerminalError LinkEscapes, InvalidLink, InvalidSubmodule naming the path
 */
export function checkPackageFile(path: string, file: PackageFile): void {
  if (file.mode === '120000') checkLink(path, Buffer.from(file.bytes).toString());
  if (file.mode === '160000' && !/^[0-9a-f]{40}$/.test(Buffer.from(file.bytes).toString('latin1'))) {
    throw new TerminalError('InvalidSubmodule', `submodule ${JSON.stringify(path)} is no commit id`, { file: path });
  }
}

/**
 * `..` is allowed only at a target's start. After a name it could step out of wherever that name, if it is a link
 * itself, leads to; without it, a chain of links that each stay inside stays inside as a whole, so that every link can
 * be judged on its own.
 */
function checkLink(path: string, target: string): void {
  const link = `link ${JSON.stringify(path)} -> ${JSON.stringify(target)}`;
  if (target === '' || target.includes('\0')) {
    throw new TerminalError('InvalidLink', `${link} has no usable target`, { file: path });
  }
  if (target.startsWith('/')) throw new TerminalError('LinkEscapes', `${link} is absolute`, { file: path });
  let depth = path.split('/').length - 1;
  let named = false;
  for (const part of target.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') {
      named = true;
    } else if (named) {
      throw new TerminalError('LinkEscapes', `${link} has ".." after a name`, { file: path });
    } else if (--depth < 0) {
      throw new TerminalError('LinkEscapes', `${link} leads out of the package`, { file: path });
    }
  }
}

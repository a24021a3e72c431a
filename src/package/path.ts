import { TerminalError } from '../api/errors.ts';

/**
 * Checks a path inside a package: relative, POSIX, clean, no `..`, no `.git` part in any spelling that a file system
 * may fold to it, no control characters, no backslash.
 * @throws TerminalError reason InvalidPath naming the path
 */
export function checkPackagePath(path: string): void {
  const fault = pathFault(path);
  if (fault) throw new TerminalError('InvalidPath', `path ${JSON.stringify(path)} ${fault}`, { file: path });
}

function pathFault(path: string): string | undefined {
  if (path === '') return 'is empty';
  if (path.startsWith('/')) return 'is absolute';
  if (path.includes('\\')) return 'holds a backslash';
  if (!path.isWellFormed()) return 'is no valid Unicode';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(path)) return 'holds a control character';
  for (const part of path.split('/')) {
    if (part === '') return 'has an empty part';
    if (part === '.' || part === '..') return `has a part ${JSON.stringify(part)}`;
    if (isDotGit(part)) return 'has a part that git keeps for itself';
  }
  return undefined;
}

/**
 * `.git` as HFS+ and NTFS fold it: ignorable code points dropped, case ignored, trailing dots and spaces, the short name
 * `git~1`, alternate streams behind a colon.
 */
function isDotGit(part: string): boolean {
  const folded = part.replace(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/gu, '').toLowerCase();
  return /^(\.git|git~1)[. ]*(:|$)/.test(folded);
}

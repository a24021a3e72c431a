import { type Extract, extract, type Header } from 'tar-stream';
import { errorMessage, TerminalError } from '../api/errors.ts';
import type { PackageLimits } from '../package/limits.ts';
import type { PackageFile } from '../package/types.ts';

/** What one archive does to the files below it. */
export interface ArchiveContent {
  readonly files: ReadonlyMap<string, PackageFile>;
  /** Paths that are no longer there, with everything below them. */
  readonly removed: readonly string[];
  /** Folders ('' is the root) of which nothing from below is left. */
  readonly emptied: readonly string[];
  /** Hard links whose file is none of this archive's: path to path. */
  readonly links: ReadonlyMap<string, string>;
}

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';
/** Bytes of a tar archive's unit. */
const BLOCK = 512;

interface Entry extends AsyncIterable<unknown> {
  readonly header: Header;
  /** Passes over its content. */
  resume(): unknown;
}

interface Collected {
  readonly files: Map<string, PackageFile>;
  readonly removed: string[];
  readonly emptied: string[];
  readonly links: Map<string, string>;
  bytes: number;
}

/**
 * Reads a tar archive into files, with the whiteouts of image layers. Nothing of it reaches a disk; entries are counted
 * and sizes checked before anything of them is kept, and reading ends with the first fault.
 * @throws TerminalError InvalidPath, LinkEscapes, UnsupportedEntry, DuplicatePath, TooLarge, InvalidArchive, naming the entry
 */
export async function readArchive(
  archive: AsyncIterable<Uint8Array>,
  limits: PackageLimits & { readonly entries: number },
  what: string,
): Promise<ArchiveContent> {
  const parser = extract();
  const feeding = feed(archive, parser);
  const content: Collected = { files: new Map(), removed: [], emptied: [], links: new Map(), bytes: 0 };
  let entries = 0;
  try {
    for await (const entry of parser) {
      entries += 1;
      if (entries > limits.entries) throw tooMany(what, limits.entries);
      await take(entry, content, limits);
    }
    await feeding;
  } catch (error) {
    await feeding.catch(() => undefined);
    if (error instanceof TerminalError) throw error;
    throw new TerminalError('InvalidArchive', `${what} is no whole tar archive: ${errorMessage(error)}`, {
      cause: error,
    });
  }
  return content;
}

/**
 * Ends when all is read, or when the parser was given up. An archive without the empty block at its end may lack files: it
 * was cut off where an entry would begin.
 */
async function feed(archive: AsyncIterable<Uint8Array>, parser: Extract): Promise<void> {
  let tail = Buffer.alloc(0);
  try {
    for await (const chunk of archive) {
      if (parser.destroyed) return;
      tail = Buffer.concat([tail, chunk.subarray(-BLOCK)]).subarray(-BLOCK);
      if (!parser.write(chunk)) await writable(parser);
    }
    if (tail.length < BLOCK || tail.some((byte) => byte !== 0)) throw new Error('it ends before its end mark');
    parser.end(null);
  } catch (error) {
    parser.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

function writable(parser: Extract): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      parser.off('drain', done);
      parser.off('close', done);
      resolve();
    };
    parser.once('drain', done);
    parser.once('close', done);
    if (parser.destroyed) done();
  });
}

async function take(entry: Entry, content: Collected, limits: PackageLimits): Promise<void> {
  const { type, name, mode, linkname } = entry.header;
  const path = cleanPath(name);
  if (type === 'directory' || path === '') {
    entry.resume();
    if (type !== 'directory') throw fault('InvalidPath', name, 'has no name');
    if (path !== '') checkParts(path, name);
    return;
  }
  checkParts(path, name);
  if (takeWhiteout(path, content)) {
    entry.resume();
    return;
  }
  if (content.files.has(path) || content.links.has(path)) throw fault('DuplicatePath', name, 'comes twice');
  switch (type) {
    case 'file':
    case 'contiguous-file':
      content.files.set(path, {
        mode: (mode & 0o111) === 0 ? '100644' : '100755',
        bytes: await read(entry, content, limits),
      });
      return;
    case 'symlink':
      entry.resume();
      content.files.set(path, { mode: '120000', bytes: Buffer.from(linkname) });
      return;
    case 'link':
      entry.resume();
      takeHardLink(path, name, linkname, content);
      return;
    default:
      throw fault(
        'UnsupportedEntry',
        name,
        `is a ${type ?? 'thing of unknown type'}; packages hold files, folders and links`,
      );
  }
}

async function read(entry: Entry, content: Collected, limits: PackageLimits): Promise<Uint8Array> {
  const { name, size } = entry.header;
  if (size > limits.fileBytes) throw fault('TooLarge', name, `has ${size} bytes, ${limits.fileBytes} are allowed`);
  content.bytes += size;
  if (content.bytes > limits.packageBytes) {
    throw fault('TooLarge', name, `brings the archive above the ${limits.packageBytes} bytes that are allowed`);
  }
  if (content.files.size >= limits.files) {
    throw fault('TooLarge', name, `is one more than the ${limits.files} files that are allowed`);
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of entry) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

/** A file under another name. Its content is copied: packages know no hard links. */
function takeHardLink(path: string, name: string, linkname: string, content: Collected): void {
  const target = cleanPath(linkname);
  if (target === '' || target.startsWith('/') || target.split('/').includes('..')) {
    throw fault('LinkEscapes', name, `is a hard link to ${JSON.stringify(linkname)}, which leads out of the package`);
  }
  const file = content.files.get(target);
  if (file === undefined) content.links.set(path, target);
  else content.files.set(path, file);
}

function takeWhiteout(path: string, content: Collected): boolean {
  const slash = path.lastIndexOf('/');
  const [folder, base] = [path.slice(0, Math.max(slash, 0)), path.slice(slash + 1)];
  if (base === OPAQUE) content.emptied.push(folder);
  else if (base.startsWith(WHITEOUT)) {
    const hidden = base.slice(WHITEOUT.length);
    content.removed.push(folder === '' ? hidden : `${folder}/${hidden}`);
  } else return false;
  return true;
}

/** Without `./` in front, which tar writes, and slashes at the end. */
function cleanPath(name: string): string {
  return name
    .replace(/^(?:\.\/+)+/, '')
    .replace(/^\.$/, '')
    .replace(/\/+$/, '');
}

/** The package checks paths again; here the archive's own spelling is named. */
function checkParts(path: string, name: string): void {
  if (path.startsWith('/')) throw fault('InvalidPath', name, 'is absolute');
  if (path.split('/').includes('..')) throw fault('InvalidPath', name, 'leads out of the package');
}

function tooMany(what: string, entries: number): TerminalError {
  return new TerminalError('TooLarge', `${what} has more than ${entries} entries`);
}

function fault(reason: string, name: string, message: string): TerminalError {
  const shown = name.length > 200 ? `${name.slice(0, 200)}…` : name;
  return new TerminalError(reason, `entry ${JSON.stringify(shown)} ${message}`, { file: shown });
}

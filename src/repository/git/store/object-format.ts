import { createHash } from 'node:crypto';
import { TerminalError } from '../../../api/errors.ts';
import type { PersonStamp } from '../../types.ts';
import type { Commit, NewCommit, Oid, TreeEntry } from '../types.ts';
import { checkOid } from './ref-format.ts';

export type ObjectType = 'blob' | 'tree' | 'commit' | 'tag';

/** An object by its name. */
export interface EncodedObject {
  readonly oid: Oid;
  readonly type: ObjectType;
  /** Not to be changed by whoever made it. */
  readonly content: Uint8Array;
}

export function encodeObject(type: ObjectType, content: Uint8Array): EncodedObject {
  const oid = createHash('sha1').update(objectHeader(type, content)).update(content).digest('hex');
  return { oid, type, content };
}

/** What git hashes and stores before the content. */
export function objectHeader(type: ObjectType, content: Uint8Array): string {
  return `${type} ${content.byteLength}\0`;
}

/** One entry as a tree holds it. */
interface TreeRow {
  /** What trees are ordered by: the bytes of the name, folders as if their name ended in a slash. */
  readonly key: string;
  /** The entry's bytes, a character each: many thousands are kept, and a Buffer costs several times as much. */
  readonly text: string;
}

/** Rows of entries that were encoded before; a big tree is mostly the entries of the tree that it was made from. */
export type TreeRows = WeakMap<TreeEntry, TreeRow>;

/**
 * Tree content in git's order.
 * @throws TerminalError InvalidPath for a name that no tree can hold, or one that is there twice; InvalidObjectId
 */
export function encodeTree(entries: readonly TreeEntry[], known: TreeRows = new WeakMap()): Buffer {
  refuseDuplicates(entries);
  const rows = entries.map((entry) => {
    const row = known.get(entry);
    if (row !== undefined) return row;
    const encoded = encodeRow(entry);
    known.set(entry, encoded);
    return encoded;
  });
  rows.sort((a, b) => (a.key < b.key ? -1 : 1));
  return Buffer.from(rows.map(({ text }) => text).join(''), 'latin1');
}

function encodeRow(entry: TreeEntry): TreeRow {
  const name = byteString(entry.name);
  if (name === '' || name.includes('\0') || name.includes('/')) {
    throw new TerminalError('InvalidPath', `${JSON.stringify(entry.name)} cannot be a name in a git tree`);
  }
  checkOid(entry.oid);
  const folder = entry.mode === '040000';
  const text = `${folder ? '40000' : entry.mode} ${name}\0${Buffer.from(entry.oid, 'hex').toString('latin1')}`;
  return { key: folder ? `${name}/` : name, text };
}

const OID_BYTES = 20;

/** One character a byte, so that comparing strings compares bytes. */
function byteString(name: string): string {
  return IS_ASCII.test(name) ? name : encodeName(name).toString('latin1');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the range is that of ASCII
const IS_ASCII = /^[\u0000-\u007f]*$/;

function refuseDuplicates(entries: readonly TreeEntry[]): void {
  const names = new Set<string>();
  for (const { name } of entries) {
    if (names.has(name)) throw new TerminalError('InvalidPath', `${JSON.stringify(name)} is twice in one git tree`);
    names.add(name);
  }
}

/** Entries that were read before, by their bytes, a character each. */
export interface KnownEntries {
  get(bytes: string): TreeEntry | undefined;
  set(bytes: string, entry: TreeEntry): unknown;
}

/**
 * @param known trees of one directory differ in few entries from commit to commit: the others are the same objects
 * @throws RangeError when the bytes are no tree
 */
export function decodeTree(content: Uint8Array, known: KnownEntries = new Map()): TreeEntry[] {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const entries: TreeEntry[] = [];
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const nul = bytes.indexOf(0, space);
    const end = nul + 1 + OID_BYTES;
    if (space < 0 || nul < 0 || end > bytes.length) throw new RangeError('the tree is cut off');
    const text = bytes.toString('latin1', at, end);
    let entry = known.get(text);
    if (entry === undefined) {
      const mode = canonicalMode(Number.parseInt(text, 8));
      const name = decodeName(bytes.subarray(space + 1, nul));
      entry = { mode, name, oid: bytes.toString('hex', nul + 1, end) };
      known.set(text, entry);
    }
    entries.push(entry);
    at = end;
  }
  return entries;
}

const TYPE_BITS = 0o170000;

/** Old tools wrote modes such as 100664; git itself maps them so when it writes a tree anew. */
function canonicalMode(mode: number): TreeEntry['mode'] {
  switch (mode & TYPE_BITS) {
    case 0o040000:
      return '040000';
    case 0o120000:
      return '120000';
    case 0o160000:
      return '160000';
    case 0o100000:
      return (mode & 0o100) === 0 ? '100644' : '100755';
    default:
      throw new RangeError(`a tree entry has the unknown mode ${mode.toString(8)}`);
  }
}

const ESCAPE_BASE = 0xdc00;

/**
 * Names are bytes. Valid UTF-8 is read as such; in other names each byte above 0x7f becomes a lone low surrogate
 * (U+DC80 to U+DCFF), which valid text never holds, so that `encodeName` gives the same bytes again.
 */
function decodeName(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  if (!text.includes('\ufffd') || Buffer.from(text).equals(bytes)) return text;
  return String.fromCharCode(...Array.from(bytes, (byte) => (byte < 0x80 ? byte : ESCAPE_BASE + byte)));
}

function encodeName(name: string): Buffer {
  if (name.isWellFormed()) return Buffer.from(name);
  return Buffer.from(Array.from(name, (char) => char.charCodeAt(0) & 0xff));
}

/** Commit content with times in UTC and a message that ends in one newline at least. */
export function encodeCommit(commit: NewCommit): Buffer {
  const message = commit.message.replaceAll('\0', '');
  const lines = [
    `tree ${commit.tree}`,
    ...commit.parents.map((parent) => `parent ${parent}`),
    `author ${encodePerson(commit.author)} ${Math.floor(commit.at)} +0000`,
    `committer ${encodePerson(commit.committer)} ${Math.floor(commit.at)} +0000`,
    '',
    message.endsWith('\n') ? message : `${message}\n`,
  ];
  return Buffer.from(lines.join('\n'));
}

function encodePerson(person: PersonStamp): string {
  const email = cleanIdentity(person.email);
  // git wants a name; with only an address that is the name.
  const name = cleanIdentity(person.name) || email || 'unknown';
  return `${name} <${email}>`;
}

function cleanIdentity(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters would break the commit's lines
  return text.replace(/[<>\u0000-\u001f\u007f]/g, '').trim();
}

/** @throws RangeError when the bytes are no commit */
export function decodeCommit(oid: Oid, content: Uint8Array): Commit {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const end = bytes.indexOf('\n\n');
  const head = bytes.toString('utf8', 0, end < 0 ? bytes.length : end).split('\n');
  const values = (key: string) =>
    head.filter((line) => line.startsWith(`${key} `)).map((line) => line.slice(key.length + 1));
  const [tree] = values('tree');
  if (tree === undefined) throw new RangeError('the commit has no tree');
  const text = end < 0 ? Buffer.alloc(0) : bytes.subarray(end + 2);
  return {
    oid,
    tree,
    parents: values('parent'),
    author: decodePerson(values('author')[0] ?? ''),
    committer: decodePerson(values('committer')[0] ?? ''),
    message: decodeText(text, values('encoding')[0]),
  };
}

function decodePerson(line: string): Commit['author'] {
  const match = /^(.*?) ?<([^>]*)>(?: (-?\d+))?/.exec(line);
  if (match === null) return { name: line, email: '', at: 0 };
  const [, name = '', email = '', at = '0'] = match;
  return { name, email, at: Number(at) };
}

function decodeText(bytes: Buffer, encoding: string | undefined): string {
  if (encoding === undefined) return bytes.toString('utf8');
  try {
    return new TextDecoder(encoding).decode(bytes);
  } catch {
    return bytes.toString('latin1');
  }
}

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readValue } from '../../../src/krm/fast-reader.ts';
import { editSource, type KrmDocument, parseKrmFile, stringifyKrm } from '../../../src/krm/file.ts';
import { nodeValue, readNodes } from '../../../src/krm/node-reader.ts';
import { readSourceTree, type SourceList, type SourceMap, type SourceNode } from '../../../src/krm/source-tree.ts';
import {
  deleteIn,
  getIn,
  isList,
  isMap,
  type KrmMap,
  type KrmPath,
  type KrmScalar,
  type KrmValue,
  setIn,
  valuesEqual,
} from '../../../src/krm/value.ts';
import { corpus } from './corpus.ts';

const files = corpus().map(({ name, bytes }) => ({ name, bytes, file: parseKrmFile(name, bytes) }));
const readable = files.filter(({ file }) => file.problems.length === 0);
const documents = readable.flatMap(({ name, file }) =>
  file.documents.map((document) => ({ title: `${name} #${document.index}`, document })),
);

function withNodes(source: string): KrmValue {
  return nodeValue(readNodes(source));
}

describe('files of the corpus', () => {
  test.each(files)('$name without an edit keeps its bytes and never throws', ({ name, bytes, file }) => {
    expect(parseKrmFile(name, bytes).bytes).toBe(bytes);
    if (file.problems.length > 0) return;
    const unchanged = new Map(file.documents.map(({ index, value }) => [index, structuredClone(value)]));
    expect(file.edit(unchanged).bytes).toBe(bytes);
  });

  test.each(readable)('$name reads the same with the node reader, also after being written anew', ({ file }) => {
    for (const { source, value } of file.documents) {
      expect(withNodes(source)).toEqual(value);
      expectReads(stringifyKrm(value), value);
    }
  });

  test.each(readable)('$name: a change of one scalar changes the lines of that scalar only', ({ name, file }) => {
    const most = name.includes('/') ? 4 : 12;
    for (const document of file.documents) {
      const paths = scalarPaths(document.value);
      const stride = Math.ceil(paths.length / most);
      for (let at = 0; at < paths.length; at += stride) checkScalarEdit(document, paths[at] as KrmPath);
    }
  });
});

function expectReads(text: string, value: KrmValue): void {
  expect(parseKrmFile('a.yaml', Buffer.from(text)).documents[0]?.value ?? null).toEqual(value);
  expect(withNodes(text)).toEqual(value);
}

/** Anchors reach further than their line, and explicit keys are written anew. */
const FAR_REACHING = /[*?]|<</;

function checkScalarEdit({ source, value }: KrmDocument, path: KrmPath): void {
  const next = setIn(value, path, 'changed');
  const text = editSource(source, next);
  expect(valuesEqual(readValue(text), next)).toBe(true);
  if (FAR_REACHING.test(source)) return;
  const before = source.split(/\r?\n/);
  const after = text.split(/\r?\n/);
  const { head, tail } = commonEnds(before, after);
  // What lies between is the scalar's old lines and the new one, with a block scalar's header.
  expect(after.slice(head, after.length - tail).join('\n')).toMatch(/^(?:.*>-.*\n)?.*changed.*$|^$/);
  if (String(getIn(value, path)).includes('\n')) return;
  expect(before.slice(head, before.length - tail).filter((line) => /^\s*#/.test(line))).toEqual([]);
}

function commonEnds(before: readonly string[], after: readonly string[]): { head: number; tail: number } {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  return { head, tail };
}

function scalarPaths(value: KrmValue | undefined, path: KrmPath = []): KrmPath[] {
  if (isList(value)) return value.flatMap((item, index) => scalarPaths(item, [...path, index]));
  if (isMap(value)) return Object.entries(value).flatMap(([key, item]) => scalarPaths(item, [...path, key]));
  return [path];
}

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }).filter((value) => value.isWellFormed()),
  fc.constantFrom(
    'yes',
    '0644',
    '1e3',
    '',
    ' x',
    'a: b',
    '#',
    'a #b',
    '- a',
    '~',
    'multi\nline\n',
    'a\n\n b',
    '\u2028',
    'x\r\ny',
  ),
  fc.constantFrom(
    'one\ntwo',
    'ends\n\n',
    '\n',
    'tab\there',
    '---',
    '...',
    '--- a',
    '{{ x }}',
    '*a',
    '&a',
    '!t',
    '|',
    '>',
    '%',
    '@',
    '`',
  ),
);
const scalar: fc.Arbitrary<KrmScalar> = fc.oneof(
  text,
  fc.integer(),
  fc.double().map((value) => (Object.is(value, -0) ? 0 : value)),
  fc.boolean(),
  fc.constant(null),
  fc.bigInt({ min: 2n ** 53n + 2n, max: 2n ** 70n }),
);
const key = fc.oneof(fc.constantFrom('name', 'a', 'b', 'c', 'image', 'port', 'on', '1', 'key with space'), text);
const { anyValue } = fc.letrec<{ anyValue: KrmValue }>((tie) => ({
  anyValue: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('anyValue'), { maxLength: 4 }),
    fc.dictionary(key, tie('anyValue'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

/** One random change somewhere in a value: a scalar, key or item changed, added, removed or moved. */
interface Change {
  readonly at: readonly number[];
  readonly action: 'set' | 'add' | 'remove' | 'move';
  readonly key: string;
  readonly value: KrmValue;
}

const change: fc.Arbitrary<Change> = fc.record({
  at: fc.array(fc.nat(20), { maxLength: 6 }),
  action: fc.constantFrom('set', 'add', 'remove', 'move'),
  key,
  value: anyValue,
});

function applyChange(value: KrmValue, { at: [step, ...rest], ...change }: Change): KrmValue {
  const keys = isList(value) ? [...value.keys()] : isMap(value) ? Object.keys(value) : [];
  if (step === undefined || keys.length === 0) return applyHere(value, keys, { at: [], ...change });
  const part = keys[step % keys.length] as string | number;
  const inner = (isList(value) ? value[part as number] : (value as KrmMap)[part]) as KrmValue;
  const next = applyChange(inner, { at: rest, ...change });
  return isList(value) ? value.with(part as number, next) : withEntry(value as KrmMap, String(part), next);
}

function applyHere(
  value: KrmValue,
  keys: readonly (string | number)[],
  { action, key, value: made }: Change,
): KrmValue {
  const at = key.length % (keys.length + 1);
  if (isList(value)) {
    if (action === 'add') return value.toSpliced(at, 0, made);
    if (action === 'remove') return value.toSpliced(at, 1);
    if (action === 'move') return [...value.slice(at), ...value.slice(0, at)];
  } else if (isMap(value)) {
    if (action === 'add') return withEntry(value, key, made);
    if (action === 'remove') return Object.fromEntries(Object.entries(value).toSpliced(at, 1));
  }
  return made;
}

function withEntry(map: KrmMap, key: string, value: KrmValue): KrmMap {
  return Object.fromEntries([...Object.entries(map), [key, value]]);
}

describe('random edits', () => {
  const own = documents.filter(({ title }) => !title.includes('/'));

  test.each(own)('$title takes any edit', ({ document }) => {
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => checkEdit(document, changes)),
      { numRuns: 20 },
    );
  });

  test('any document takes any edit', () => {
    fc.assert(
      fc.property(fc.nat(), fc.array(change, { minLength: 1, maxLength: 3 }), (at, changes) => {
        checkEdit((documents[at % documents.length] as (typeof documents)[number]).document, changes);
      }),
      { numRuns: 150 },
    );
  });

  test('any value is read back from its own text by both readers', () => {
    fc.assert(
      fc.property(anyValue, (value) => expectReads(stringifyKrm(value), value)),
      { numRuns: 300 },
    );
  });
});

function checkEdit({ source, value }: KrmDocument, changes: readonly Change[]): void {
  const next = changes.reduce(applyChange, value);
  expectReads(editSource(source, next), next);
}

/** Block maps and lists with their paths: those that stand in lines of their own. */
function collections(document: KrmDocument): { path: KrmPath; node: SourceMap | SourceList }[] {
  const found: { path: KrmPath; node: SourceMap | SourceList }[] = [];
  const walk = (node: SourceNode, path: KrmPath): void => {
    if ((node.kind !== 'map' && node.kind !== 'list') || node.flow) return;
    found.push({ path, node });
    if (node.kind === 'map') for (const { name, value } of node.entries) walk(value, [...path, name]);
    else
      node.items.forEach(({ value }, index) => {
        walk(value, [...path, index]);
      });
  };
  const root = readSourceTree(`${document.source}\n`);
  if (root !== undefined) walk(root, []);
  return found;
}

function isSubsequence(part: readonly string[], whole: readonly string[]): boolean {
  let at = 0;
  for (const line of whole) if (line === part[at]) at += 1;
  return at === part.length;
}

describe('structural edits', () => {
  const tracked = documents.filter(({ document }) => !FAR_REACHING.test(document.source));
  const place = fc.tuple(fc.nat(), fc.nat(), fc.nat()).map(([a, b, c]) => {
    const { document } = tracked[a % tracked.length] as (typeof tracked)[number];
    const places = collections(document);
    return { document, place: places[b % places.length], at: c };
  });

  test('an added key or item leaves every line as it was', () => {
    fc.assert(
      fc.property(place, anyValue, ({ document, place, at }, added) => {
        if (place === undefined) return;
        const { path, node } = place;
        const old = getIn(document.value, path) as KrmValue;
        const inline = node.kind === 'list' && document.source.slice(0, node.start).trimEnd().endsWith('-');
        const index = isList(old) ? (inline ? old.length : at % (old.length + 1)) : 0;
        const next = isList(old) ? old.toSpliced(index, 0, added) : withEntry(old as KrmMap, 'a new key', added);
        const edited = editSource(document.source, setIn(document.value, path, next));
        const lines = edited.split('\n');
        const kept = isSubsequence(document.source.replace(/\n$/, '').split('\n'), lines);
        expect({ edited, kept }).toEqual({ edited, kept: true });
      }),
      { numRuns: 200 },
    );
  });

  test('a removed key or item takes its own lines along and no other', () => {
    fc.assert(
      fc.property(place, ({ document, place, at }) => {
        if (place === undefined) return;
        const { path } = place;
        const old = getIn(document.value, path) as KrmValue;
        const keys = isList(old) ? [...old.keys()] : Object.keys(old as KrmMap);
        // Behind a dash the next key moves up, and without the last one `{}` appears.
        const position = 1 + (at % Math.max(1, keys.length - 1));
        const key = keys[position];
        if (key === undefined) return;
        const edited = editSource(document.source, deleteIn(document.value, [...path, key]));
        const kept = isSubsequence(edited.replace(/\n$/, '').split('\n'), document.source.split('\n'));
        expect({ edited, kept }).toEqual({ edited, kept: true });
      }),
      { numRuns: 200 },
    );
  });
});

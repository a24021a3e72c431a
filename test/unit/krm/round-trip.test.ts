import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { editSource, type KrmDocument, parseKrmFile, stringifyKrm } from '../../../src/krm/file.ts';
import { nodeValue, readNodes } from '../../../src/krm/node-reader.ts';
import { isList, isMap, type KrmMap, type KrmPath, type KrmScalar, type KrmValue, setIn } from '../../../src/krm/value.ts';
import { corpus } from './corpus.ts';

const files = corpus().map(({ name, bytes }) => ({ name, bytes, file: parseKrmFile(name, bytes) }));
const readable = files.filter(({ file }) => file.problems.length === 0);
const documents = readable.flatMap(({ name, file }) =>
  file.documents.map((document) => ({ title: `${name} #${document.index}`, document })),
);

function withNodes(source: string): KrmValue {
  return nodeValue(readNodes(source));
}

/** Without the sharing of aliases, so that fast-check may print it and `toEqual` compare it. */
function withoutNegativeZero(value: KrmValue): KrmValue {
  return Object.is(value, -0) ? 0 : value;
}

describe('files of the corpus', () => {
  test.each(files)('$name without an edit keeps its bytes and never throws', ({ name, bytes, file }) => {
    expect(parseKrmFile(name, bytes).bytes).toBe(bytes);
    if (file.problems.length > 0) return;
    const unchanged = new Map(file.documents.map(({ index, value }) => [index, structuredClone(value)]));
    expect(file.edit(unchanged).bytes).toBe(bytes);
  });

  test.each(documents)('$title reads the same with the node reader', ({ document }) => {
    expect(withNodes(document.source)).toEqual(document.value);
  });

  test.each(documents)('$title reads the same after being written anew', ({ document }) => {
    const text = stringifyKrm(document.value);
    expect(parseKrmFile('a.yaml', Buffer.from(text)).documents[0]?.value ?? null).toEqual(document.value);
    expect(withNodes(text)).toEqual(document.value);
  });

  test.each(documents)('$title: a change of one scalar changes the lines of that scalar only', ({ document }) => {
    for (const path of scalarPaths(document.value).slice(0, 60)) checkScalarEdit(document, path);
  });
});

function checkScalarEdit({ source, value }: KrmDocument, path: KrmPath): void {
  const next = setIn(value, path, 'changed');
  const text = editSource(source, next);
  expect(withNodes(text)).toEqual(next);
  if (/[*?]|<</.test(source)) return;
  const before = source.split('\n');
  const after = text.split('\n');
  const { head, tail } = commonEnds(before, after);
  // What lies between is the scalar's old text and one new line.
  expect(after.length - head - tail).toBeLessThanOrEqual(1);
  expect(after.slice(head, after.length - tail).join('\n')).toMatch(/changed|^$/);
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
  fc.constantFrom('yes', '0644', '1e3', '', ' x', 'a: b', '#', 'a #b', '- a', '~', 'multi\nline\n', 'a\n\n b', '\u2028', 'x\r\ny'),
  fc.constantFrom('one\ntwo', 'ends\n\n', '\n', 'tab\there', '---', '...', '--- a', '{{ x }}', '*a', '&a', '!t', '|', '>', '%', '@', '`'),
);
const scalar: fc.Arbitrary<KrmScalar> = fc.oneof(
  text,
  fc.integer(),
  fc.double().map((value) => withoutNegativeZero(value) as number),
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

function applyHere(value: KrmValue, keys: readonly (string | number)[], { action, key, value: made }: Change): KrmValue {
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
  test.each(documents.filter(({ title }) => !title.includes('/')))('$title takes any edit', ({ document }) => {
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const next = changes.reduce(applyChange, document.value);
        const edited = editSource(document.source, next);
        expect(parseKrmFile('a.yaml', Buffer.from(edited)).documents[0]?.value ?? null).toEqual(next);
        expect(withNodes(edited)).toEqual(next);
      }),
      { numRuns: 60 },
    );
  });

  test('any sample takes any edit', () => {
    fc.assert(
      fc.property(fc.nat(), fc.array(change, { minLength: 1, maxLength: 3 }), (at, changes) => {
        const { document } = documents[at % documents.length] as (typeof documents)[number];
        const next = changes.reduce(applyChange, document.value);
        const edited = editSource(document.source, next);
        expect(parseKrmFile('a.yaml', Buffer.from(edited)).documents[0]?.value ?? null).toEqual(next);
        expect(withNodes(edited)).toEqual(next);
      }),
      { numRuns: 300 },
    );
  });

  test('any value is read back from its own text by both readers', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const written = stringifyKrm(value);
        expect(parseKrmFile('a.yaml', Buffer.from(written)).documents[0]?.value ?? null).toEqual(value);
        expect(withNodes(written)).toEqual(value);
      }),
      { numRuns: 500 },
    );
  });
});

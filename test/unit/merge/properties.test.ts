import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseKrmFile, stringifyKrm } from '../../../src/krm/file.ts';
import { getIn, isList, isMap, type KrmMap, type KrmValue, valuesEqual } from '../../../src/krm/value.ts';
import { mergePackages } from '../../../src/merge/merge-packages.ts';
import type { MergeConflict } from '../../../src/merge/types.ts';
import { type Files, KPTFILE, packageOf, textsOf } from './support.ts';

/** A resource of a few fields, each of one kind always, so that random edits never disagree about the kind. */
interface Model {
  readonly name: string;
  readonly data: { readonly [key: string]: string };
  readonly containers: readonly { readonly name: string; readonly image: string; readonly args?: readonly string[] }[];
  readonly comment: string;
}

const word = fc.constantFrom('a', 'b', 'c', 'd', 'x y', '1', 'true', '');
const model = (name: string): fc.Arbitrary<Model> =>
  fc.record({
    name: fc.constant(name),
    data: fc.dictionary(fc.constantFrom('k1', 'k2', 'k3', 'k 4'), word, { maxKeys: 4 }),
    containers: fc.uniqueArray(
      fc.record(
        { name: fc.constantFrom('c1', 'c2', 'c3'), image: word, args: fc.array(word, { maxLength: 2 }) },
        { requiredKeys: ['name', 'image'] },
      ),
      { selector: ({ name: key }) => key, maxLength: 3 },
    ),
    comment: fc.constantFrom('', ' # one', ' # two'),
  });

function textOf({ name, data, containers, comment }: Model): string {
  const body = stringifyKrm({
    metadata: { name, annotations: data },
    spec: { template: { spec: { containers: containers.map((container) => ({ ...container })) } } },
  } as KrmMap);
  return `apiVersion: apps/v1${comment}\nkind: Deployment\n${body}`;
}

const NAMES = ['r1', 'r2', 'r3', 'r4'];
const PATHS = ['a.yaml', 'b.yaml', 'dir/c.yaml'];

/** Resources laid out over files; two of one name never meet. */
const files: fc.Arbitrary<Files> = fc
  .tuple(...NAMES.map((name) => fc.option(fc.tuple(model(name), fc.constantFrom(...PATHS)), { nil: undefined })))
  .map((resources) => {
    const byPath = new Map<string, string[]>();
    for (const resource of resources) {
      if (!resource) continue;
      byPath.set(resource[1], [...(byPath.get(resource[1]) ?? []), textOf(resource[0])]);
    }
    return { Kptfile: KPTFILE, ...Object.fromEntries([...byPath].map(([path, texts]) => [path, texts.join('---\n')])) };
  });

function merge(base: Files, local: Files, updated: Files) {
  const input = { base: packageOf(base), local: packageOf(local), updated: packageOf(updated) };
  const { pkg, conflicts } = mergePackages(input, { strategy: 'resource-merge' });
  return { files: textsOf(pkg), conflicts };
}

const RUNS = { numRuns: 50 };

describe('for random packages', () => {
  test('what only one side changed is that side, to the byte', () => {
    fc.assert(
      fc.property(files, files, (base, other) => {
        expect(merge(base, base, other)).toEqual({ files: other, conflicts: [] });
        expect(merge(base, other, base)).toEqual({ files: other, conflicts: [] });
        expect(merge(base, other, other)).toEqual({ files: other, conflicts: [] });
      }),
      RUNS,
    );
  });

  test('a second merge of the same upstream changes nothing', () => {
    fc.assert(
      fc.property(files, files, files, (base, local, updated) => {
        const once = merge(base, local, updated).files;
        expect(merge(updated, once, updated)).toEqual({ files: once, conflicts: [] });
      }),
      RUNS,
    );
  });

  test('no conflict is silent: every field is as one side changed it, or is reported', () => {
    fc.assert(
      fc.property(model('r'), model('r'), model('r'), (base, local, updated) => {
        const around = (one: Model) => ({ Kptfile: KPTFILE, 'a.yaml': textOf(one) });
        const merged = merge(around(base), around(local), around(updated));
        const [o, l, u, m] = [around(base), around(local), around(updated), merged.files].map(resourceOf);
        const unexplained = [...fieldsOf(l, u, m)].filter((path) => {
          const [was, mine, theirs, now] = [o, l, u, m].map((side) => at(side, path));
          if (isExpected(was, mine, theirs, now)) return false;
          return !merged.conflicts.some((conflict) => covers(conflict, path));
        });
        expect(unexplained).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  test('untouched documents keep their bytes', () => {
    fc.assert(
      fc.property(model('r1'), model('r2'), model('r2'), (still, base, updated) => {
        const odd = textOf(still).replace('metadata:', 'metadata:   # odd   style').replaceAll('\n', '\r\n');
        const join = (text: string, other: Model) => `# head\n---\n${text}---\n${textOf(other)}`;
        const around = (text: string) => ({ Kptfile: KPTFILE, 'a.yaml': text });
        const local = join(odd, { ...base, data: { ...base.data, mine: '1' } });
        const merged = merge(around(join(textOf(still), base)), around(local), around(join(textOf(still), updated)));
        expect(String(merged.files['a.yaml']).startsWith(`# head\n---\n${odd}`)).toBe(true);
      }),
      RUNS,
    );
  });
});

function resourceOf(side: Files | { readonly [path: string]: string }): KrmValue {
  return parseKrmFile('a.yaml', new TextEncoder().encode(String(side['a.yaml']))).documents[0]?.value ?? null;
}

type FieldPath = readonly string[];

/** Scalars and plain lists; containers by name. */
function* fieldsOf(...sides: (KrmValue | undefined)[]): Generator<FieldPath> {
  const seen = new Set<string>();
  for (const side of sides) {
    for (const path of leaves(side ?? null, [])) {
      if (!seen.has(path.join('\0'))) yield path;
      seen.add(path.join('\0'));
    }
  }
}

function leaves(value: KrmValue, path: FieldPath): FieldPath[] {
  if (isMap(value)) return Object.entries(value).flatMap(([key, inner]) => leaves(inner ?? null, [...path, key]));
  if (isList(value) && path.at(-1) === 'containers') {
    return value.flatMap((item) => leaves(item, [...path, String(getIn(item, ['name']))]));
  }
  return [path];
}

function at(value: KrmValue | undefined, path: FieldPath): KrmValue | undefined {
  return path.reduce<KrmValue | undefined>((current, part) => {
    if (isList(current)) return current.find((item) => getIn(item, ['name']) === part);
    return getIn(current, [part]);
  }, value);
}

function isExpected(
  was: KrmValue | undefined,
  mine: KrmValue | undefined,
  theirs: KrmValue | undefined,
  now: KrmValue | undefined,
): boolean {
  if (valuesEqual(was, mine)) return valuesEqual(now, theirs);
  return (valuesEqual(was, theirs) || valuesEqual(mine, theirs)) && valuesEqual(now, mine);
}

/** The conflict is about the field, something around it or something in it. */
function covers({ field = '' }: MergeConflict, path: FieldPath): boolean {
  const parts = field
    .replaceAll(/\[name=([^\]]*)\]/g, '.$1')
    .replaceAll(/\["([^"]*)"\]/g, '.$1')
    .split('.');
  return parts.every((part, index) => path[index] === undefined || path[index] === part);
}

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { FunctionItem } from '../../../src/functions/types.ts';
import { fromWire, toWire } from '../../../src/functions/wire.ts';
import { getIn, type KrmMap, setIn } from '../../../src/krm/value.ts';

const ITEM: FunctionItem = {
  value: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } },
  path: 'a.yaml',
  index: 1,
  packagePath: 'db',
  id: 7,
};
const PATH = 'internal.config.kubernetes.io/path';
const OLD_PATH = 'config.kubernetes.io/path';
const INDEX = 'internal.config.kubernetes.io/index';

function annotated(value: KrmMap, changes: { readonly [name: string]: string | number | undefined }): KrmMap {
  const before = getIn(value, ['metadata', 'annotations']) as KrmMap;
  return setIn(value, ['metadata', 'annotations'], { ...before, ...changes });
}

describe('items on the wire', () => {
  test('annotations tell where an item lies', () => {
    expect(toWire([ITEM])[0]?.metadata).toEqual({
      name: 'a',
      annotations: {
        [PATH]: 'a.yaml',
        [OLD_PATH]: 'a.yaml',
        [INDEX]: '1',
        'config.kubernetes.io/index': '1',
        'internal.config.kubernetes.io/package-path': '/db',
        'internal.config.kubernetes.io/id': '1',
        'config.k8s.io/id': '1',
      },
    });
  });

  const metadata = fc.record(
    { name: fc.string(), annotations: fc.oneof(fc.dictionary(fc.string(), fc.string()), fc.constant(null)) },
    { requiredKeys: [] },
  );
  const value = fc.record(
    { apiVersion: fc.string(), kind: fc.string(), metadata, data: fc.json() },
    { requiredKeys: [] },
  );

  test('what comes back as it went is the same item', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 4 }), (resources) => {
        const items = resources.map((resource, index) => ({ value: resource as KrmMap, path: 'a.yaml', index }));
        const back = fromWire(structuredClone(toWire(items)), items);
        expect(back).toHaveLength(items.length);
        for (const [at, item] of back.entries()) expect(item).toBe(items[at]);
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ['its name now', { [PATH]: 'b.yaml' }],
    ['its old name', { [OLD_PATH]: 'b.yaml' }],
    ['both', { [PATH]: 'b.yaml', [OLD_PATH]: 'b.yaml' }],
  ])('a path that changed under %s moves the item', (_, changes) => {
    const [item] = fromWire([annotated(toWire([ITEM])[0] as KrmMap, changes)], [ITEM]);
    expect(item).toMatchObject({ path: 'b.yaml', index: 1, packagePath: 'db', id: 7 });
    expect(item?.value).toBe(ITEM.value);
  });

  test('a generated item has the place that it names, under either name, with an index of any type', () => {
    const value = {
      apiVersion: 'v1',
      kind: 'A',
      metadata: { name: 'n', annotations: { [OLD_PATH]: 'n.yaml', [INDEX]: 0 } },
    };
    expect(fromWire([value], [ITEM])).toEqual([
      {
        value: { apiVersion: 'v1', kind: 'A', metadata: { name: 'n' } },
        path: 'n.yaml',
        index: 0,
        packagePath: undefined,
      },
    ]);
  });

  test('annotations that contradict each other are refused', () => {
    const [wired] = toWire([ITEM]);
    const value = annotated(wired as KrmMap, { [PATH]: 'b.yaml', [OLD_PATH]: 'c.yaml' });
    expect(() => fromWire([value], [ITEM])).toThrow(/annotations contradict each other/);
  });

  test('an index that is no number is refused', () => {
    const [wired] = toWire([ITEM]);
    const value = annotated(wired as KrmMap, { [INDEX]: 'first' });
    expect(() => fromWire([value], [ITEM])).toThrow(/must be a document number, not "first"/);
  });
});

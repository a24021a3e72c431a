import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { getIn } from '../../../../src/krm/value.ts';
import type { Package } from '../../../../src/package/package.ts';
import { functionName, isFunctionOf, pipeline, type VariantPipeline } from '../../../../src/task/mutations/pipeline.ts';
import { readRootKptfile } from '../../../../src/task/root-kptfile.ts';
import { apply, applyTwice, KPTFILE, packageOf, textOf } from '../support.ts';

const FOREIGN = `  - image: set-labels:v0.1 # by hand
    name: labels
  - image: apply-replacements:v0.1
`;
const withMutators = packageOf({ Kptfile: `${KPTFILE}pipeline:\n  mutators:\n${FOREIGN}` });
const withValidators = packageOf({ Kptfile: `${KPTFILE}pipeline:\n  validators:\n${FOREIGN}` });
const bare = packageOf({ Kptfile: KPTFILE });
const namespace = { image: 'set-namespace:v0.4.1', name: 'set-namespace', configMap: { namespace: 'x' } };
const search = { image: 'search-replace:v0.2' };

function listOf(pkg: Package, list: 'mutators' | 'validators'): unknown {
  return getIn(readRootKptfile(pkg).raw, ['pipeline', list]);
}

const own = { ...namespace, name: 'PackageVariant.my-pv.set-namespace.0' };
const foreign = [{ image: 'set-labels:v0.1', name: 'labels' }, { image: 'apply-replacements:v0.1' }];

describe('pipeline', () => {
  test.each([
    { case: '16.96, 16.100', list: 'mutators' as const, pkg: withMutators },
    { case: '16.101, 16.100', list: 'validators' as const, pkg: withValidators },
  ])('$case: $list of the variant go first, the others and their comments stay', async ({ list, pkg }) => {
    const edited = await applyTwice(pipeline('my-pv', { [list]: [namespace] }), pkg);
    expect(listOf(edited, list)).toEqual([own, ...foreign]);
    expect(textOf(edited, 'Kptfile')).toContain(FOREIGN);
  });

  test('16.97: two functions are numbered in the order of the spec', async () => {
    const edited = await applyTwice(pipeline('my-pv', { mutators: [search, namespace] }), withMutators);
    const second = { ...namespace, name: 'PackageVariant.my-pv.set-namespace.1' };
    expect(listOf(edited, 'mutators')).toEqual([{ ...search, name: 'PackageVariant.my-pv..0' }, second, ...foreign]);
  });

  test('16.98: a Kptfile without pipeline gets one', async () => {
    const edited = await applyTwice(pipeline('my-pv', { mutators: [namespace] }), bare);
    expect(textOf(edited, 'Kptfile')).toBe(`${KPTFILE}pipeline:
  mutators:
  - name: PackageVariant.my-pv.set-namespace.0
    image: set-namespace:v0.4.1
    configMap:
      namespace: x
`);
  });

  test.each([withMutators, withValidators, bare])('16.99: a variant without pipeline changes nothing', async (pkg) => {
    expect(await apply(pipeline('my-pv'), pkg)).toBe(pkg);
  });

  test('16.102: each list is numbered from 0', async () => {
    const edited = await applyTwice(pipeline('my-pv', { mutators: [namespace], validators: [namespace] }), bare);
    expect(listOf(edited, 'mutators')).toEqual([own]);
    expect(listOf(edited, 'validators')).toEqual([own]);
  });

  test('16.103: functions that the spec no longer has go, and so does an empty pipeline', async () => {
    const edited = await apply(pipeline('my-pv', { mutators: [namespace], validators: [search] }), bare);
    expect(textOf(await applyTwice(pipeline('my-pv'), edited), 'Kptfile')).toBe(KPTFILE);
  });

  test('16.104: only those of others are left', async () => {
    const edited = await apply(pipeline('my-pv', { validators: [namespace] }), withValidators);
    expect(textOf(await apply(pipeline('my-pv'), edited), 'Kptfile')).toBe(textOf(withValidators, 'Kptfile'));
  });

  test('16.109: each variant rewrites its own functions only', async () => {
    const first = await apply(pipeline('one', { mutators: [namespace] }), bare);
    const both = await apply(pipeline('two', { mutators: [search] }), first);
    const without = await apply(pipeline('one'), both);
    expect(listOf(without, 'mutators')).toEqual([{ ...search, name: 'PackageVariant.two..0' }]);
  });

  test('selectors and all other fields are copied as they are', async () => {
    const spec = {
      image: 'a',
      selectors: [{ kind: 'Service', labels: { a: 'b' } }],
      exclude: [{ name: 'n' }],
      tag: '1.x',
    };
    const edited = await apply(pipeline('my-pv', { mutators: [spec] }), bare);
    expect(listOf(edited, 'mutators')).toEqual([{ ...spec, name: 'PackageVariant.my-pv..0' }]);
  });

  test('16.105, W-07: running again changes nothing, whatever the names', async () => {
    const name = fc.stringMatching(/^[a-z0-9.-]{1,12}$/);
    const list = fc.array(fc.record({ image: fc.constantFrom('a:v1', 'b'), name }, { requiredKeys: ['image'] }), {
      maxLength: 3,
    });
    const spec: fc.Arbitrary<VariantPipeline> = fc.record({ mutators: list, validators: list });
    await fc.assert(
      fc.asyncProperty(
        name,
        spec,
        fc.constantFrom(bare, withMutators, withValidators),
        async (variant, wanted, pkg) => {
          const edited = await applyTwice(pipeline(variant, wanted), pkg);
          expect(await apply(pipeline(variant), edited).then((without) => textOf(without, 'Kptfile'))).toBe(
            textOf(pkg, 'Kptfile'),
          );
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('names of functions', () => {
  test.each([
    ['my-func', 'my-pv', 3, 'PackageVariant.my-pv.my-func.3'],
    ['', 'my-pv', 0, 'PackageVariant.my-pv..0'],
    ['a.b', 'my.pv', 0, 'PackageVariant.my_pv.a_b.0'],
  ])('16.106, W-07: (%j, %j, %i) is %s', (name, variant, index, expected) => {
    expect(functionName(name, variant, index)).toBe(expected);
    expect(isFunctionOf(variant, { name: expected })).toBe(true);
  });

  test.each(['PackageVariant.my-pv.my-func.0', 'PackageVariant.my-pv..0'])('16.107: %s is ours', (name) => {
    expect(isFunctionOf('my-pv', { name })).toBe(true);
  });

  test.each([
    {},
    { name: 7 },
    { name: 'PackageVariant.my-pv.a.b.0' },
    { name: 'PackageVariant.my-pv.0' },
    { name: 'Other.my-pv.a.0' },
    { name: 'PackageVariant.other.a.0' },
    { name: 'PackageVariant.my-pv.a.b' },
  ])('16.108: %j is not ours', (entry) => {
    expect(isFunctionOf('my-pv', entry)).toBe(false);
  });
});

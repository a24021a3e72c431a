import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseKrmFile } from '../../../../src/krm/file.ts';
import { getIn } from '../../../../src/krm/value.ts';
import type { Package } from '../../../../src/package/package.ts';
import { packageContext, type VariantPackageContext } from '../../../../src/task/mutations/package-context.ts';
import { apply, applyTwice, KPTFILE, packageOf, textOf } from '../support.ts';

const FILE = 'package-context.yaml';

function withData(data: string): Package {
  const context = `apiVersion: v1
kind: ConfigMap
metadata:
  name: kptfile.kpt.dev
data:
  name: example # who
${data}`;
  return packageOf({ Kptfile: KPTFILE, [FILE]: context });
}

function dataOf(pkg: Package): [string, unknown][] {
  const { documents } = parseKrmFile(FILE, pkg.get(FILE)?.bytes ?? new Uint8Array());
  return Object.entries(getIn(documents[0]?.value, ['data']) ?? {});
}

describe('package context of a variant', () => {
  test.each([{}, { data: {}, removeKeys: [] }])('16.84: without anything to set nothing changes', async (wanted) => {
    const pkg = withData('');
    expect(await apply(packageContext('pv', wanted), pkg)).toBe(pkg);
    const none = packageOf({ Kptfile: KPTFILE });
    expect(await apply(packageContext('pv', wanted), none)).toBe(none);
  });

  test.each<{ case: string; before: string; wanted: VariantPackageContext; after: string[] }>([
    { case: '16.85', before: '', wanted: { data: { foo: 'bar' } }, after: ['name=example', 'foo=bar'] },
    {
      case: '16.86',
      before: '',
      wanted: { data: { foobar: 'b', foo: 'a' } },
      after: ['name=example', 'foo=a', 'foobar=b'],
    },
    {
      case: '16.87',
      before: '  hello: there\n',
      wanted: { data: { foo: 'bar' } },
      after: ['name=example', 'hello=there', 'foo=bar'],
    },
    { case: '16.88', before: '  foo: there\n', wanted: { data: { foo: 'bar' } }, after: ['name=example', 'foo=bar'] },
    { case: '16.89', before: '  hello: there\n', wanted: { removeKeys: ['hello'] }, after: ['name=example'] },
    {
      case: '16.90',
      before: '  hello: there\n  foo: bar\n',
      wanted: { removeKeys: ['hello'] },
      after: ['name=example', 'foo=bar'],
    },
    {
      case: '16.91',
      before: '  hello: there\n  foo: bar\n',
      wanted: { data: { foobar: 'x', there: 'y' }, removeKeys: ['hello'] },
      after: ['name=example', 'foo=bar', 'foobar=x', 'there=y'],
    },
    {
      case: 'V-08',
      before: '  zone: none\n  other: o\n',
      wanted: { data: { zone: 'a' } },
      after: ['name=example', 'zone=a', 'other=o'],
    },
  ])('$case: $before and $wanted give $after', async ({ before, wanted, after }) => {
    const pkg = await applyTwice(packageContext('pv', wanted), withData(before));
    expect(dataOf(pkg).map(([key, value]) => `${key}=${value}`)).toEqual(after);
    expect(textOf(pkg, FILE)).toContain('  name: example # who\n');
  });

  test('16.94: removing a key that is not there changes nothing', async () => {
    const pkg = withData('');
    expect(await apply(packageContext('pv', { removeKeys: ['gone'] }), pkg)).toBe(pkg);
  });

  test.each<{ case: string; files: { [path: string]: string }; message: string }>([
    { case: '16.92', files: {}, message: 'no such file' },
    {
      case: '16.93',
      files: { [FILE]: 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: kptfile.kpt.dev\n' },
      message: 'ConfigMap',
    },
    {
      case: '16.93',
      files: { [FILE]: 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: other\ndata: {}\n' },
      message: 'name',
    },
    {
      case: '16.93',
      files: { [FILE]: 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: kptfile.kpt.dev\n' },
      message: 'no data',
    },
    {
      case: '16.93',
      files: { [FILE]: 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: kptfile.kpt.dev\ndata:\n  a: 1\n' },
      message: 'data.a is no string',
    },
    { case: '16.93', files: { [FILE]: 'a: [\n' }, message: 'package context' },
  ])('$case: an unusable context is an error ($message)', async ({ files, message }) => {
    const pkg = packageOf({ Kptfile: KPTFILE, ...files });
    await expect(apply(packageContext('pv', { data: { a: 'b' } }), pkg)).rejects.toMatchObject({
      reason: 'InvalidPackageContext',
      message: expect.stringContaining(message),
      location: { file: FILE },
    });
  });

  test('16.95: keys that the variant no longer names go back to what they were', async () => {
    const pkg = withData('  hello: there\n  foo: base\n');
    const once = await apply(packageContext('pv', { data: { foo: 'bar', added: 'x' }, removeKeys: ['hello'] }), pkg);
    const partly = await applyTwice(packageContext('pv', { data: { added: 'x' } }), once);
    expect(Object.fromEntries(dataOf(partly))).toEqual({ name: 'example', hello: 'there', foo: 'base', added: 'x' });
    const none = await applyTwice(packageContext('pv'), partly);
    expect(Object.fromEntries(dataOf(none))).toEqual({ name: 'example', hello: 'there', foo: 'base' });
    expect(textOf(none, FILE)).not.toContain('annotations');
  });

  test('16.95: what somebody else changed since stays', async () => {
    const once = await apply(packageContext('pv', { data: { foo: 'bar' } }), withData('  foo: base\n'));
    const edited = packageOf({ Kptfile: KPTFILE, [FILE]: textOf(once, FILE).replace('foo: bar', 'foo: mine') });
    expect(Object.fromEntries(dataOf(await apply(packageContext('pv'), edited)))).toEqual({
      name: 'example',
      foo: 'mine',
    });
  });

  test("another variant's record is not ours to undo", async () => {
    const once = await apply(packageContext('one', { data: { foo: 'bar' } }), withData(''));
    expect(await apply(packageContext('two'), once)).toBe(once);
  });

  test('16.105 likewise: running again changes nothing, and dropping all gives back the data', async () => {
    const key = fc.constantFrom('a', 'b', 'c', 'name-x');
    const data = fc.dictionary(key, fc.constantFrom('', '1', 'true', 'x y'));
    const wanted = fc.record({ data, removeKeys: fc.array(key, { maxLength: 2 }) });
    await fc.assert(
      fc.asyncProperty(data, fc.array(wanted, { maxLength: 3 }), async (before, specs) => {
        const lines = Object.entries(before).map(([name, value]) => `  ${name}: "${value}"\n`);
        const start = withData(lines.join(''));
        let pkg = start;
        for (const spec of specs) pkg = await applyTwice(packageContext('pv', spec), pkg);
        pkg = await apply(packageContext('pv'), pkg);
        expect(Object.fromEntries(dataOf(pkg))).toEqual(Object.fromEntries(dataOf(start)));
      }),
      { numRuns: 50 },
    );
  });
});

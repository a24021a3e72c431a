import { describe, expect, test } from '@jest/globals';
import { init } from '../../../../src/task/mutations/init.ts';
import { apply, applyTwice, contextOf, packageOf, targetOf, textOf } from '../support.ts';

const empty = packageOf({});
const described = { description: "the shop's front", keywords: ['web', 'shop'], site: 'https://shop.example.com' };

describe('init', () => {
  test('7.1.1: makes exactly Kptfile, README.md and package-context.yaml', async () => {
    const pkg = await applyTwice(init(described), empty, contextOf({ target: targetOf({ package: 'shop' }) }));
    expect(pkg.paths()).toEqual(['Kptfile', 'README.md', 'package-context.yaml']);
    expect(textOf(pkg, 'Kptfile')).toBe(`apiVersion: kpt.dev/v1
kind: Kptfile
metadata:
  name: shop
  annotations:
    config.kubernetes.io/local-config: "true"
info:
  site: https://shop.example.com
  description: the shop's front
  keywords:
  - web
  - shop
`);
    expect(textOf(pkg, 'README.md')).toBe(`# shop

## Description
the shop's front

## Usage

### Fetch the package
\`kpt pkg get REPO_URI[.git]/PKG_PATH[@VERSION] shop\`
Details: https://kpt.dev/reference/cli/pkg/get/

### View package content
\`kpt pkg tree shop\`
Details: https://kpt.dev/reference/cli/pkg/tree/

### Apply the package
\`\`\`
kpt live init shop
kpt live apply shop --reconcile-timeout=2m --output=table
\`\`\`
Details: https://kpt.dev/reference/cli/live/
`);
  });

  test('7.1.3: the package context is a template also in a deployment repository', async () => {
    const pkg = await apply(init({}), empty, contextOf({ target: targetOf({ deployment: true }) }));
    expect(textOf(pkg, 'package-context.yaml')).toBe(`apiVersion: v1
kind: ConfigMap
metadata:
  name: kptfile.kpt.dev
  annotations:
    config.kubernetes.io/local-config: "true"
data:
  name: example
`);
  });

  test.each([
    { given: { description: 'd' }, info: 'info:\n  description: d\n' },
    { given: { site: 's', keywords: [], description: '' }, info: 'info:\n  site: s\n' },
    { given: { keywords: ['true'] }, info: 'info:\n  keywords:\n  - "true"\n' },
  ])('writes only the keys of info that were given: $info', async ({ given, info }) => {
    expect(
      textOf(await apply(init(given), empty), 'Kptfile')
        .split('"true"\n')
        .slice(1)
        .join('"true"\n'),
    ).toBe(info);
  });

  test('a nested package is named by its whole path, without an upstream lock (M-22)', async () => {
    const pkg = await apply(init({}), empty, contextOf({ target: targetOf({ package: 'a/b/c' }) }));
    expect(textOf(pkg, 'Kptfile')).toContain('  name: a/b/c\n');
    expect(textOf(pkg, 'Kptfile')).not.toContain('upstream');
  });

  test.each([
    {
      case: '7.1.5',
      existing: 'a/b',
      wanted: 'a/b',
      reason: 'PackageExists',
      message: 'already exists in the repository',
    },
    { case: '7.1.6', existing: 'a/b', wanted: 'a/b/c', reason: 'PackageOverlap', message: 'packages cannot be nested' },
    { case: '7.1.6', existing: 'a/b', wanted: 'a', reason: 'PackageOverlap', message: 'packages cannot be nested' },
  ])('$case: refuses $wanted beside $existing', async ({ existing, wanted, reason, message }) => {
    const context = contextOf({ target: targetOf({ package: wanted, existingPackages: ['other', existing] }) });
    await expect(apply(init({}), empty, context)).rejects.toMatchObject({
      reason,
      message: expect.stringContaining(message),
      location: { field: 'spec.packageName' },
    });
  });

  test('7.1.7: a common prefix without a slash is no overlap', async () => {
    const context = contextOf({ target: targetOf({ package: 'foobar', existingPackages: ['foo'] }) });
    expect((await apply(init({}), empty, context)).size).toBe(3);
  });
});

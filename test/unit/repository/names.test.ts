import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  isWithin,
  packageRevisionName,
  validateNoOverlap,
  validatePackageName,
  validateRevisionName,
  validateWorkspace,
} from '../../../src/repository/names.ts';

const label = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,10}[a-z0-9])?$/);

describe('package names', () => {
  test.each(['shop', 'a/b', 'a-1/b2', '0', 'x'.repeat(63)])('%s is allowed', (name) => {
    expect(() => validatePackageName(name)).not.toThrow();
  });

  test.each([
    'Foo_1',
    '',
    'x'.repeat(64),
    '-x',
    'x-',
    'a//b',
    '/a',
    'a/',
    'a/-b',
    'a~',
    'a..b',
    'a b',
    '.a',
    'a.lock',
    'ä',
    'a/../b',
    'moo~',
    'a\nb',
  ])('7.1.8, P-10: %j is refused', (name) => {
    expect(() => validatePackageName(name)).toThrow(
      expect.objectContaining({ reason: 'InvalidName', retry: 'terminal', location: { field: 'spec.packageName' } }),
    );
  });

  test('the message names the part at fault', () => {
    expect(() => validatePackageName('apps/Shop/x')).toThrow(/part "Shop" is not/);
  });
});

describe('workspace names', () => {
  test.each(['v1.0', 'Upper', 'x'.repeat(64), '', 'a/b'])('7.1.9: %j is refused', (name) => {
    expect(() => validateWorkspace(name)).toThrow(
      expect.objectContaining({ reason: 'InvalidName', location: { field: 'spec.workspaceName' } }),
    );
  });
});

describe('object names', () => {
  test('slashes become dots', () => {
    expect(packageRevisionName('repo', 'a/b/c', 'v1')).toBe('repo.a.b.c.v1');
  });

  test('7.1.10: 253 characters are allowed, one more is refused with the parts that make it', () => {
    const packageOf = (length: number) => `${`${'p'.repeat(63)}/`.repeat(2)}${'p'.repeat(length)}`;
    const repository = 'r'.repeat(30);
    const workspace = 'w'.repeat(40);
    expect(packageRevisionName(repository, packageOf(53), workspace)).toHaveLength(253);
    expect(() => validateRevisionName(repository, packageOf(53), workspace)).not.toThrow();
    expect(() => validateRevisionName(repository, packageOf(54), workspace)).toThrow(
      /repository 30, package 182, workspace 40/,
    );
  });
});

describe('overlap', () => {
  test.each([
    { name: 'a/b/c', existing: ['x', 'a/b'], reason: 'PackageOverlap' },
    { name: 'a', existing: ['a/b'], reason: 'PackageOverlap' },
    { name: 'a/b', existing: ['a/b'], reason: 'PackageExists' },
  ])('7.1.5, 7.1.6: $name with $existing is $reason', ({ name, existing, reason }) => {
    expect(() => validateNoOverlap(name, existing)).toThrow(
      expect.objectContaining({ reason, location: { field: 'spec.packageName' } }),
    );
  });

  test.each([
    { name: 'foobar', existing: ['foo'] },
    { name: 'foo', existing: ['foobar', 'foo-bar', 'x/foo'] },
    { name: 'a/b', existing: ['a/c', 'b', 'a/bc'] },
  ])('7.1.7: $name beside $existing is fine', ({ name, existing }) => {
    expect(() => validateNoOverlap(name, existing)).not.toThrow();
  });

  test('of any two paths either one is within the other by whole parts, or they do not overlap', () => {
    const path = fc.array(label, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(path, path, (a, b) => {
        const common = a.slice(0, Math.min(a.length, b.length));
        const nested = common.every((part, index) => part === b[index]);
        expect(isWithin(a.join('/'), b.join('/')) || isWithin(b.join('/'), a.join('/'))).toBe(nested);
      }),
      { numRuns: 200 },
    );
  });
});

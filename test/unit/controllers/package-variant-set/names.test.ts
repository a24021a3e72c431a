import { describe, expect, test } from '@jest/globals';
import { distinctVariantName, setLabel, variantName } from '../../../../src/controllers/package-variant-set/names.ts';

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

describe('variantName', () => {
  const LONG = `supersupersuperl${'o'.repeat(50)}ngpkgname`;

  test.each([
    ['16.168: short ones are what they stand for', 'my-pvs', 'dnrepo1', 'dnpkg1', 'my-pvs-dnrepo1-dnpkg1'],
    [
      '16.168: the first vector',
      'my-pvs',
      'dnrepo4',
      LONG,
      'my-pvs-dnrepo4-supersupersuperlooooooooooooooooooooooo-bec36506',
    ],
    [
      '16.168: the second vector',
      'edge-baseline',
      'cluster-eu-central-1-prod-0042',
      'platform-observability-stack',
      'edge-baseline-cluster-eu-central-1-prod-0042-platform--975d07f5',
    ],
  ])('%s', (_case, set, repo, pkg, name) => {
    expect(variantName(set, { repo, package: pkg })).toBe(name);
  });

  test.each(['team/app', 'team/app.v2', 'Team', 'a_b', `${'long/'.repeat(30)}er`])(
    '16.179: %s gives a DNS label, always the same',
    (pkg) => {
      const name = variantName('my-pvs', { repo: 'r', package: pkg });
      expect(name).toMatch(LABEL);
      expect(name.length).toBeLessThanOrEqual(63);
      expect(variantName('my-pvs', { repo: 'r', package: pkg })).toBe(name);
    },
  );

  test.each([
    [63, 'my-pvs-'.length + 'r-'.length],
    [64, 'my-pvs-'.length + 'r-'.length],
  ])('an identity of %i characters', (length, fixed) => {
    const name = variantName('my-pvs', { repo: 'r', package: 'p'.repeat(length - fixed) });
    expect(name).toHaveLength(63);
    expect(name.endsWith('pppppppppp')).toBe(length === 63);
  });

  test('16.178: two downstreams that read alike get two names', () => {
    const one = { repo: 'a', package: 'b-c' };
    const two = { repo: 'a-b', package: 'c' };
    expect(variantName('s', one)).toBe(variantName('s', two));
    expect(distinctVariantName('s', two)).not.toBe(variantName('s', one));
    expect(distinctVariantName('s', one)).not.toBe(distinctVariantName('s', two));
  });
});

test.each(['my-pvs', 'a'.repeat(63), 'b'.repeat(64), 'dotted.name', 'c'.repeat(253)])('%s as a label', (name) => {
  expect(setLabel(name)).toMatch(LABEL);
  expect(setLabel(name).length).toBeLessThanOrEqual(63);
  expect(setLabel(name) === name).toBe(name.length <= 63 && !name.includes('.'));
});

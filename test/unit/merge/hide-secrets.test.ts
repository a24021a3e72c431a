import { describe, expect, test } from '@jest/globals';
import { describeConflict } from '../../../src/merge/describe.ts';
import { hideSecrets } from '../../../src/merge/hide-secrets.ts';
import { diffResources, diffText } from '../../../src/merge/package-diff.ts';
import type { Package } from '../../../src/package/package.ts';
import { packageOf } from './support.ts';

const HEAD = 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: login\n';
const LAST_APPLIED =
  '  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: \'{"data":{"a":"b2xk"}}\'\n';

function shown(before: Package, after: Package) {
  const hidden = hideSecrets(before, after);
  return {
    text: diffText(hidden.before, hidden.after),
    resources: diffResources(hidden.before, hidden.after),
  };
}

describe('a difference of Secrets', () => {
  test('shows which values change, and none of them', () => {
    const before = packageOf({ 'a.yaml': `${HEAD}data: {user: c2FtZQ==, password: b2xk}\n` });
    const after = packageOf({ 'a.yaml': `${HEAD}data: {user: c2FtZQ==, password: bmV3}\n` });
    const { text, resources } = shown(before, after);
    expect(text).toContain('-data: {user: (hidden), password: (hidden) before}\n');
    expect(text).toContain('+data: {user: (hidden), password: (hidden) after}\n');
    expect(JSON.stringify({ text, resources })).not.toMatch(/c2FtZQ|b2xk|bmV3/);
    expect(resources).toMatchObject([{ change: 'changed', fields: [{ field: 'data.password' }] }]);
  });

  test.each([
    ['that comes', {}, { 'a.yaml': `${HEAD}stringData:\n  key: plain\n` }],
    ['that goes', { 'a.yaml': `${HEAD}stringData:\n  key: plain\n` }, {}],
    ['with the copy that kubectl keeps', {}, { 'a.yaml': `${HEAD}${LAST_APPLIED}` }],
    ['beside others in a file', {}, { 'a.yaml': `a: 1\n---\n${HEAD}data: plain\n` }],
    ['that cannot be read', {}, { 'a.yaml': `${HEAD}data:\n  key: plain\n key: [\n` }],
  ])('one %s shows no value', (_name, before, after) => {
    const { text } = shown(packageOf(before), packageOf(after));
    expect(text).toContain('(hidden)');
    expect(text).not.toMatch(/plain|b2xk/);
  });

  test('everything else is as it is', () => {
    const [before, after] = [
      packageOf({ 'a.yaml': 'kind: ConfigMap\ndata: {a: b}\n' }),
      packageOf({ 'a.yaml': 'kind: X\n' }),
    ];
    expect(hideSecrets(before, after)).toEqual({ before, after });
  });
});

test('a conflict about a Secret is told without its values', () => {
  const conflict = {
    resource: { apiVersion: 'v1', kind: 'Secret', name: 'login' },
    file: 'a.yaml',
    field: 'data.password',
    local: 'bG9jYWw=',
    upstream: 'bmV3',
    resolution: 'upstream',
  } as const;
  const text = describeConflict(conflict);
  expect(text).not.toMatch(/bG9jYWw|bmV3/);
  expect(text).toContain('data.password: base (none), local "(hidden)", upstream "(hidden)"');
});

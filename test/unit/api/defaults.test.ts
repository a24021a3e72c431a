import { expect, test } from '@jest/globals';
import { withDefaults } from '../../../src/api/defaults.ts';

const revision = {
  apiVersion: 'porch.kpt.dev/v1alpha2',
  kind: 'PackageRevision',
  metadata: { name: 'a.b.v1' },
  spec: { packageName: 'b', repository: 'a', workspaceName: 'v1' },
};

test('a new package revision is a draft whose status is older than its spec', () => {
  expect(withDefaults(revision)).toEqual({
    ...revision,
    spec: { ...revision.spec, lifecycle: 'Draft' },
    status: { observedGeneration: -1 },
  });
});

test('what is set stays as it is', () => {
  const proposed = { ...revision, spec: { ...revision.spec, lifecycle: 'Proposed' }, status: { revision: 0 } };
  expect(withDefaults(proposed)).toBe(proposed);
});

test('objects of other groups are left alone', () => {
  const other = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } };
  expect(withDefaults(other)).toBe(other);
});

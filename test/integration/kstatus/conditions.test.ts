import { expect, test } from '@jest/globals';
import {
  type ConditionChange,
  progressingConditions,
  readyConditions,
  retryingConditions,
  setConditions,
  stalledConditions,
} from '../../../src/kube/conditions.ts';
import { kstatus } from '../../env/kstatus/kstatus.ts';

const now = new Date(0);

function object(name: string, changes: readonly ConditionChange[], observedGeneration: number | undefined = 2) {
  const conditions = setConditions([], changes, { observedGeneration, now });
  return {
    apiVersion: 'config.porch.kpt.dev/v1alpha1',
    kind: 'PackageVariant',
    metadata: { name, namespace: 'default', generation: 2 },
    status: { observedGeneration, conditions },
  };
}

test('the conditions of each state are read by kstatus as what they mean', async () => {
  const seen = await kstatus([
    object('ready', readyConditions('UpToDate', 'done')),
    object('progressing', progressingConditions('clone', 'on its way')),
    object('retrying', retryingConditions('RepositoryNotReady', 'waits')),
    object('stalled', stalledConditions('ValidationError', 'only a change helps')),
    object('older-generation', readyConditions('UpToDate', 'of the spec before'), 1),
    { ...object('fresh', []), status: { observedGeneration: -1 } },
    {
      ...object('deleted', readyConditions('UpToDate', 'done')),
      metadata: {
        name: 'deleted',
        namespace: 'default',
        generation: 2,
        deletionTimestamp: '2030-01-01T00:00:00Z',
        finalizers: ['x/y'],
      },
    },
  ]);
  expect(Object.fromEntries(seen)).toEqual({
    'default/ready': 'Current',
    'default/progressing': 'InProgress',
    'default/retrying': 'InProgress',
    'default/stalled': 'Failed',
    'default/older-generation': 'InProgress',
    'default/fresh': 'InProgress',
    'default/deleted': 'Terminating',
  });
});

import { describe, expect, test } from '@jest/globals';
import {
  idKey,
  isLocalConfig,
  parseUpstreamIdentifier,
  resourceId,
  upstreamIdentifier,
} from '../../../src/krm/identity.ts';

const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'prod' } };

describe('identity', () => {
  test('is group, kind, namespace and name; the version does not count', () => {
    const id = resourceId(deployment);
    expect(id).toEqual({ group: 'apps', kind: 'Deployment', namespace: 'prod', name: 'web' });
    expect(idKey(resourceId({ ...deployment, apiVersion: 'apps/v1beta1' }))).toBe(idKey(id));
    expect(idKey(resourceId({ ...deployment, apiVersion: 'v1' }))).not.toBe(idKey(id));
  });

  test('is written as upstream identifier and read back', () => {
    const id = resourceId({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' } });
    expect(upstreamIdentifier(id)).toBe('|Service||a');
    expect(parseUpstreamIdentifier('|Service||a')).toEqual(id);
    expect(parseUpstreamIdentifier('Service|a')).toBeUndefined();
  });

  test.each([
    ['true', true],
    ['', true],
    [true, true],
    ['false', false],
    [false, false],
    [undefined, false],
  ])('local-config %p makes local %p', (mark, local) => {
    const annotations = { 'config.kubernetes.io/local-config': mark };
    expect(isLocalConfig({ metadata: { annotations } })).toBe(local);
    expect(isLocalConfig({ metadata: {} })).toBe(false);
  });
});

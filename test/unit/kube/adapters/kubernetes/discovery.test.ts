import { describe, expect, test } from '@jest/globals';
import { TransientError } from '../../../../../src/api/errors.ts';
import type { ApiRequest } from '../../../../../src/kube/adapters/kubernetes/client.ts';
import { KindDiscovery } from '../../../../../src/kube/adapters/kubernetes/discovery.ts';

function make() {
  const served = new Map<string, object[]>([
    [
      '/api/v1',
      [
        { name: 'pods', kind: 'Pod', namespaced: true },
        { name: 'pods/status', kind: 'Pod', namespaced: true },
        { name: 'nodes', kind: 'Node', namespaced: false },
      ],
    ],
  ]);
  const state = { now: 0, asked: [] as string[], down: false };
  const client = {
    json: async <T>({ path }: ApiRequest): Promise<T> => {
      state.asked.push(path);
      await Promise.resolve();
      if (state.down) throw new TransientError('ServiceUnavailable', 'down');
      const resources = served.get(path);
      if (!resources) throw new TransientError('NotServed', 'the server does not serve this path');
      return { resources } as T;
    },
  };
  return { served, state, discovery: new KindDiscovery(client, () => state.now) };
}

describe('KindDiscovery', () => {
  test('tells plural and scope, and asks once for all kinds of a group version', async () => {
    const { state, discovery } = make();

    const [pod, node] = await Promise.all([discovery.resolveKind('v1', 'Pod'), discovery.resolveKind('v1', 'Node')]);

    expect(pod).toEqual({ apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespaced: true });
    expect(node).toEqual({ apiVersion: 'v1', kind: 'Node', plural: 'nodes', namespaced: false });
    state.now = 600_000;
    expect(await discovery.resolveKind('v1', 'Pod')).toBe(pod);
    expect(state.asked).toEqual(['/api/v1']);
    state.now = 600_001;
    await discovery.resolveKind('v1', 'Pod');
    expect(state.asked).toEqual(['/api/v1', '/api/v1']);
  });

  test('a kind that is not there is looked for again soon: a CRD may come', async () => {
    const { served, state, discovery } = make();
    expect(await discovery.resolveKind('a.dev/v1', 'Thing')).toBeUndefined();
    served.set('/apis/a.dev/v1', [{ name: 'others', kind: 'Other', namespaced: true }]);
    expect(await discovery.resolveKind('a.dev/v1', 'Thing')).toBeUndefined();
    expect(state.asked).toEqual(['/apis/a.dev/v1']);

    state.now = 10_001;
    expect(await discovery.resolveKind('a.dev/v1', 'Thing')).toBeUndefined();
    served.set('/apis/a.dev/v1', [{ name: 'things', kind: 'Thing', namespaced: true }]);
    state.now = 20_002;

    expect(await discovery.resolveKind('a.dev/v1', 'Thing')).toMatchObject({ plural: 'things' });
    expect(state.asked).toHaveLength(3);
  });

  test('"could not look" is an error, and is not remembered', async () => {
    const { state, discovery } = make();
    state.down = true;
    await expect(discovery.resolveKind('v1', 'Pod')).rejects.toMatchObject({ retry: 'backoff' });
    state.down = false;

    expect(await discovery.resolveKind('v1', 'Pod')).toMatchObject({ plural: 'pods' });
  });

  test('remembers a bounded number of group versions', async () => {
    const { state, discovery } = make();
    await discovery.resolveKind('v1', 'Pod');
    for (let index = 0; index < 500; index++) await discovery.resolveKind(`g${index}.dev/v1`, 'X');
    state.asked.length = 0;
    await discovery.resolveKind('v1', 'Pod');

    expect(state.asked).toEqual(['/api/v1']);
  });
});

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { HttpApiClient } from '../../../src/kube/adapters/kubernetes/http-client.ts';
import { KubernetesStore } from '../../../src/kube/adapters/kubernetes/store.ts';
import { FencedStore } from '../../../src/kube/fenced-store.ts';
import { SharedInformer } from '../../../src/kube/informer.ts';
import { LeaderElector } from '../../../src/kube/leader-election.ts';
import { type ControlPlane, startControlPlane } from '../../env/cluster/control-plane.ts';
import { never, WIDGET, type Widget } from '../../unit/kube/support.ts';
import { connect, eventually, installWidgets, makeNamespace } from './support.ts';

/** Outlasts the start of an API server on a busy machine. */
const LEASE = { leaseDurationMs: 180_000, renewDeadlineMs: 150_000, retryPeriodMs: 1_000 } as const;

let plane: ControlPlane;
let client: HttpApiClient;

beforeAll(async () => {
  plane = await startControlPlane({ controllerManager: false });
  client = await connect(plane.kubeconfig);
  await installWidgets(client);
}, 240_000);

afterAll(async () => {
  await client?.close();
  await plane?.stop();
});

describe('when the API server is started anew', () => {
  test.each(['stop', 'kill'] as const)(
    'caches and leadership go on after a %s',
    async (how) => {
      const namespace = await makeNamespace(client);
      const stop = new AbortController();
      const leases = await connect(plane.kubeconfig, { connections: 2 });
      const elector = new LeaderElector({ client: leases, namespace, name: 'veranda', identity: 'one', ...LEASE });
      const election = elector.run(stop.signal);
      const store = new KubernetesStore({ client, kinds: [WIDGET] });
      const fenced = new FencedStore(store, elector);
      const informer = new SharedInformer(store, WIDGET, { namespace });
      const following = informer.run(stop.signal);
      await Promise.all([informer.synced(never), elector.acquired(never)]);
      const { apiVersion, kind } = WIDGET;
      const apply = (name: string) =>
        fenced.apply<Widget>({ apiVersion, kind, metadata: { name, namespace } }, { fieldManager: 'alice' });
      await apply('before');
      await eventually('it is seen', () => informer.list().length === 1);

      await (how === 'stop' ? plane.stopApiServer() : plane.killApiServer());
      await expect(apply('meanwhile')).rejects.toMatchObject({ retry: 'backoff' });
      expect(informer.list()).toHaveLength(1);
      await plane.startApiServer();
      const takesWrites = () =>
        apply('after').then(
          () => true,
          () => false,
        );
      await eventually('it takes writes', takesWrites);

      await eventually('the write is seen', () => informer.get(`${namespace}/after`) !== undefined);
      expect([informer.list().length, informer.liveWatches]).toEqual([2, 1]);
      expect([elector.isLeading(), elector.lost.aborted]).toEqual([true, false]);
      stop.abort(new Error('stopped'));
      await Promise.all([following, election]);
      await leases.close();
    },
    480_000,
  );
});

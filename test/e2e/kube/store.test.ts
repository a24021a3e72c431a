import { afterAll, beforeAll } from '@jest/globals';
import type { HttpApiClient } from '../../../src/kube/adapters/kubernetes/http-client.ts';
import { KubernetesStore } from '../../../src/kube/adapters/kubernetes/store.ts';
import { sharedCluster } from '../../env/cluster/shared.ts';
import { describeObjectStore } from '../../unit/kube/store-suite.ts';
import { WIDGET } from '../../unit/kube/support.ts';
import { connect, installWidgets, makeNamespace } from './support.ts';

let client: HttpApiClient;

beforeAll(async () => {
  client = await connect((await sharedCluster()).kubeconfig);
  await installWidgets(client);
});

afterAll(async () => {
  await client.close();
});

describeObjectStore('KubernetesStore as an object store', async () => ({
  store: new KubernetesStore({ client, kinds: [WIDGET] }),
  kind: WIDGET,
  namespace: await makeNamespace(client),
  patienceMs: 60_000,
}));

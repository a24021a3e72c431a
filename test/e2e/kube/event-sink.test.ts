import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { KubernetesEventSink } from '../../../src/kube/adapters/kubernetes/event-sink.ts';
import type { HttpApiClient } from '../../../src/kube/adapters/kubernetes/http-client.ts';
import { AggregatingEventRecorder } from '../../../src/kube/events.ts';
import { sharedCluster } from '../../env/cluster/shared.ts';
import { widget } from '../../unit/kube/support.ts';
import { connect, makeNamespace } from './support.ts';

interface Event {
  readonly metadata: { readonly name: string };
  readonly note: string;
  readonly reason: string;
  readonly type: string;
  readonly regarding: object;
  readonly reportingController: string;
  readonly reportingInstance: string;
  readonly series?: { readonly count: number };
}

let client: HttpApiClient;

beforeAll(async () => {
  client = await connect((await sharedCluster()).kubeconfig);
});

afterAll(async () => {
  await client.close();
});

async function make() {
  const namespace = await makeNamespace(client);
  const path = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;
  const sink = new KubernetesEventSink({ client, reportingInstance: 'veranda-0' });
  const recorder = new AggregatingEventRecorder({ sink, sanitise: (text) => text });
  const object = widget('a', { metadata: { namespace, uid: '00000000-0000-4000-8000-000000000000' } });
  const events = async () => (await client.json<{ items: Event[] }>({ method: 'GET', path })).items;
  return { path, sink, recorder, object, events };
}

describe('KubernetesEventSink', () => {
  test('writes an event once, and then counts it', async () => {
    const { recorder, object, events } = await make();
    const text = { type: 'Warning', reason: 'RenderFailed', message: 'no such function' } as const;

    recorder.record(object, text);
    await recorder.flush();
    const [first] = await events();
    for (let round = 0; round < 3; round++) recorder.record(object, text);
    await recorder.flush();
    const all = await events();

    expect(first).toMatchObject({
      note: 'no such function',
      reason: 'RenderFailed',
      type: 'Warning',
      reportingController: 'veranda',
      reportingInstance: 'veranda-0',
      regarding: { kind: 'Widget', name: 'a', uid: object.metadata.uid },
    });
    expect(first?.series).toBeUndefined();
    expect(all).toHaveLength(1);
    expect(all[0]).toMatchObject({ note: 'no such function', series: { count: 4 } });
    expect(recorder.lost).toBe(0);
  });

  test('a first event that was counted before it was written is written with its count', async () => {
    const { recorder, object, events } = await make();
    for (let round = 0; round < 5; round++) {
      recorder.record(object, { type: 'Normal', reason: 'Published', message: 'v1' });
    }
    await recorder.flush();

    expect(await events()).toMatchObject([{ series: { count: 5 } }]);
  });

  test('an event that the server has forgotten is written again', async () => {
    const { path, recorder, object, events } = await make();
    recorder.record(object, { type: 'Normal', reason: 'Published', message: 'v1' });
    await recorder.flush();
    const [event] = await events();
    await client.json({ method: 'DELETE', path: `${path}/${event?.metadata.name}` });
    recorder.record(object, { type: 'Normal', reason: 'Published', message: 'v1' });
    await recorder.flush();

    expect(await events()).toMatchObject([{ note: 'v1', series: { count: 2 } }]);
  });

  test('a process that writes an event that is there already counts it', async () => {
    const { sink, object, events } = await make();
    const { apiVersion, kind, metadata } = object;
    const event = {
      id: 'abc',
      regarding: { apiVersion, kind, ...metadata },
      type: 'Normal' as const,
      reason: 'Published',
      message: 'v1',
      count: 1,
      firstSeen: new Date(),
      lastSeen: new Date(),
    };
    await sink.write(event);
    const other = new KubernetesEventSink({ client, reportingInstance: 'veranda-1' });
    await other.write({ ...event, count: 3 });

    expect(await events()).toMatchObject([{ series: { count: 3 }, reportingInstance: 'veranda-0' }]);
  });

  test('what is too long is cut, within a character of several bytes too', async () => {
    const { recorder, object, events } = await make();
    const long = { ...object, metadata: { ...object.metadata, name: 'n'.repeat(253) } };

    recorder.record(long, { type: 'Normal', reason: 'R'.repeat(300), message: 'ä€'.repeat(600) });
    await recorder.flush();

    const [event] = await events();
    expect(recorder.lost).toBe(0);
    expect(Buffer.byteLength(event?.note ?? '')).toBeGreaterThan(1000);
    expect(event?.note).toMatch(/^[ä€]+…$/);
  });

  test('events of objects without a namespace are somewhere', async () => {
    const { recorder } = await make();
    const metadata = { name: 'cluster-wide', uid: '00000000-0000-4000-8000-000000000001' };

    recorder.record({ apiVersion: 'v1', kind: 'Node', metadata }, { type: 'Normal', reason: 'R', message: 'x' });
    await recorder.flush();

    expect(recorder.lost).toBe(0);
  });
});

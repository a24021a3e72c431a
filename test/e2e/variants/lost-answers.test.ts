import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PACKAGE_VARIANT, type PackageVariant } from '../../../src/api/kinds.ts';
import { ANY_WRITE, type ApiProxy, matching, type RequestFilter, startApiProxy } from '../../env/cluster/api-proxy.ts';
import type { ProxiedRequest } from '../../env/cluster/proxied-request.ts';
import type { Fault } from '../../env/cluster/proxy-faults.ts';
import { sharedCluster } from '../../env/cluster/shared.ts';
import { isReady } from '../support/cluster.ts';
import type { RunningController } from '../support/operator.ts';
import { World } from './world.ts';

const FILES = { 'web/Kptfile': 'apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: web\n' };
const REVISIONS: RequestFilter = { resource: 'packagerevisions', subresource: '' };

describe.each<[string, string, Extract<Fault, { kind: 'lose-answer' }>]>([
  ['timeout', 'is a timeout', { kind: 'lose-answer', code: 504 }],
  ['reset', 'never comes', { kind: 'lose-answer' }],
])('V-01: what is written is kept, and the answer %s: it %s', (id, _, fault) => {
  let proxy: ApiProxy;
  let world: World;
  let operator: RunningController;

  beforeAll(async () => {
    const cluster = await sharedCluster();
    world = await World.open(cluster, `lost-${id}`);
    proxy = await startApiProxy(cluster.kubeconfig);
    const blueprints = await world.remote('blueprints', FILES);
    await blueprints.git('tag', 'web/v1', 'main');
    await world.remote('deployments');
    operator = await world.operator({ kubeconfig: await proxy.through(world.kubeconfig) });
    await world.namespace.apply(world.repository('blueprints'), world.repository('deployments', { deployment: true }));
    await world.untilRepositoriesAreReady(2);
    await world.untilIdle(operator);
  }, 240_000);

  afterAll(async () => {
    await world?.close();
    await proxy?.stop();
  }, 120_000);

  async function refsOf(names: readonly string[]): Promise<readonly string[]> {
    return (await world.refs('deployments')).filter((ref) => names.some((name) => ref.includes(`/${name}/`)));
  }

  async function untilAll(names: readonly string[], phase: string): Promise<void> {
    const are = (all: readonly PackageVariant[]) =>
      names.every((name) => {
        const found = all.find(({ metadata }) => metadata.name === name);
        return found !== undefined && isReady(found) && found.status?.phase === phase;
      });
    await world.namespace.until(`${names.join()} are ${phase}`, PACKAGE_VARIANT, are);
    await world.untilIdle(operator);
  }

  const met = (requests: readonly ProxiedRequest[]): readonly string[] =>
    requests.filter(({ faulty }) => faulty).map(({ name }) => name);

  test('of making a revision: each variant has one draft, by one object (16.3.44)', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'].map((letter) => `draft-${letter}`);
    proxy.forget();
    const stop = names.map((name) => {
      const isMaking = (request: ProxiedRequest) =>
        matching(REVISIONS)(request) &&
        matching(ANY_WRITE)(request) &&
        request.name.startsWith(`deployments.${name}.p`);
      return proxy.inject(fault, { matches: isMaking, times: 2 });
    });
    await world.namespace.apply(...names.map((name) => variant(name, 'Manual')));
    await untilAll(names, 'Draft');
    for (const undo of stop) undo();
    const lost = met(proxy.requests(REVISIONS));
    expect([...new Set(lost.map((name) => name.split('.')[1] ?? ''))].sort()).toEqual(names);
    for (const name of names) {
      const made = (await world.revisions(name)).map(({ metadata, spec }) => [metadata.name, spec.lifecycle]);
      expect(made).toEqual([[lost.find((object) => object.includes(`.${name}.`)), 'Draft']]);
    }
    const refs = await refsOf(names);
    expect(refs.map((ref) => ref.split('/').slice(2, 4).join('/'))).toEqual(names.map((name) => `drafts/${name}`));
    await world.remoteOf('deployments').fsck();
  }, 240_000);

  test('of every write for a time, and of pushes: each package is published once', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'].map((letter) => `published-${letter}`);
    proxy.forget();
    let pushes = 0;
    world.git.fault = (kind) => {
      if (kind !== 'push' || pushes >= 3) return undefined;
      pushes += 1;
      return { kind: 'dropAnswer' };
    };
    const isWrite = matching(ANY_WRITE);
    const matches = (request: ProxiedRequest) => isWrite(request) && request.namespace === world.namespace.name;
    const stop = proxy.inject(fault, { matches, times: 20 });
    await world.namespace.apply(...names.map((name) => variant(name, 'Always')));
    await untilAll(names, 'Published');
    stop();
    expect(pushes).toBeGreaterThan(0);
    expect(met(proxy.requests())).toHaveLength(20);
    expect(await refsOf(names)).toEqual(names.map((name) => `refs/tags/${name}/v1`));
    for (const name of names) {
      expect((await world.revisions(name)).map(({ spec }) => spec.lifecycle)).toEqual(['Published']);
    }
    const subjects = (await world.remoteOf('deployments').git('log', '--format=%s', 'main')).split('\n');
    for (const name of names) {
      expect([name, subjects.filter((subject) => /^Approving/.test(subject) && subject.includes(name)).length]).toEqual(
        [name, 1],
      );
    }
    await world.remoteOf('deployments').fsck();
  }, 240_000);
});

function variant(name: string, policy: 'Manual' | 'Always'): PackageVariant {
  const { apiVersion, kind } = PACKAGE_VARIANT;
  return {
    apiVersion,
    kind,
    metadata: { name },
    spec: {
      upstream: { repo: 'blueprints', package: 'web', revision: 1 },
      downstream: { repo: 'deployments', package: name },
      packageContext: { data: { site: name } },
      approval: { policy },
    },
  };
}

import { expect, test } from '@jest/globals';
import type { PackageRevision } from '../../../src/api/kinds.ts';
import { BOB, refusal } from '../admission/support.ts';
import { conditionOf } from '../support/cluster.ts';
import { KIND, LATEST, type LifecycleBench, OLD_LATEST } from './bench.ts';

/** From a draft to a published revision and back. */
export function publication(bench: () => LifecycleBench): void {
  test('7.7.103, 7.7.126, 7.9.160, 7.9.173: init, propose and approve: number, locks, labels, who and when', async () => {
    const { alice, bob, refs, untilIn } = bound(bench());
    const name = bench().fresh();
    const v1 = await bench().draft({ package: name });
    const draft = await bench().get(v1);
    expect(draft.metadata).toMatchObject({
      finalizers: ['porch.kpt.dev/packagerevisions'],
      ownerReferences: [{ kind: 'Repository', name: 'git' }],
      labels: { [LATEST]: 'false' },
    });
    expect(draft.status).toMatchObject({ creationSource: 'init', revision: 0, observedLifecycle: 'Draft' });
    expect(conditionOf(draft, 'Rendered')?.status).toBe('True');

    await bench().move(alice, v1, 'Proposed');
    expect(await refs(name)).toEqual([`heads/proposed/${name}/v1`]);
    const began = Date.now() - 1_000;
    const published = await bench().move(bob, v1, 'Published');
    const remote = bench().remote();
    expect(published.metadata.labels).toMatchObject({ [LATEST]: 'true', [OLD_LATEST]: 'true' });
    expect(published.status).toMatchObject({
      revision: 1,
      approvedBy: bench().company.stamps ? BOB : 'unknown',
      proposedBy: bench().company.stamps ? 'alice' : 'unknown',
      publishedBy: bench().publisher,
      selfLock: { git: { directory: name, ref: `${name}/v1`, commit: await remote.git('rev-parse', `${name}/v1`) } },
    });
    expect(Date.parse(published.status?.publishedAt ?? '')).toBeGreaterThanOrEqual(Math.floor(began / 1000) * 1000);
    expect(await refs(name)).toEqual([`tags/${name}/v1`]);
    expect(await remote.git('ls-tree', '--name-only', 'main', name)).toBe(name);
    const placeholder = await untilIn(`git.${name}.main`, 'Published');
    expect(placeholder.status?.revision).toBe(-1);
    expect(placeholder.metadata.labels?.[LATEST]).not.toBe('true');
  });

  test('7.3.41, 7.7.111, 7.7.119, P-11: copies count up in order, latest follows, and no number comes back', async () => {
    const name = bench().fresh();
    let before = await bench().published({ package: name, workspace: 'w1' });
    for (let number = 2; number <= 11; number += 1) {
      const source = { copyFrom: { name: before } };
      before = await bench().published({ package: name, workspace: `w${number}`, source });
      expect((await bench().get(before)).status).toMatchObject({ revision: number, creationSource: 'copy' });
    }
    const labels = async (of: string) => (await bench().get(of)).metadata.labels;
    expect(await labels(before)).toMatchObject({ [LATEST]: 'true', [OLD_LATEST]: 'true' });
    await bench().remove(before);
    const tenth = `git.${name}.w10`;
    const latest = ({ metadata }: PackageRevision) => metadata.labels?.[LATEST] === 'true';
    expect((await bench().until<PackageRevision>(KIND, tenth, latest)).metadata.labels?.[OLD_LATEST]).toBe('true');
    const again = await bench().published({ package: name, workspace: 'w12', source: { copyFrom: { name: tenth } } });
    expect((await bench().get(again)).status?.revision).toBe(12);
    await bench().until<PackageRevision>(KIND, tenth, (object) => !latest(object));
    expect((await labels(tenth))?.[OLD_LATEST]).toBeUndefined();
  });

  test('7.7.111: without a published revision nobody is the latest, the placeholder neither', async () => {
    const name = bench().fresh();
    const only = await bench().published({ package: name });
    const main = `git.${name}.main`;
    await bench().untilIn(main, 'Published');
    await bench().remove(only);
    const { metadata } = await bench().get(main);
    expect([metadata.labels?.[LATEST], metadata.labels?.[OLD_LATEST]]).not.toContain('true');
  });

  test('7.2.19, 7.4.48: a clone is locked to its upstream, and an upgrade moves the lock to the next revision', async () => {
    const [up, down] = [bench().fresh(), bench().fresh()];
    const first = await bench().published({ package: up });
    const second = await bench().published({ package: up, workspace: 'v2', source: { copyFrom: { name: first } } });
    const source = { cloneFrom: { upstreamRef: { name: first } } };
    const clone = await bench().published({ package: down, source });
    expect((await bench().get(clone)).status).toMatchObject({
      creationSource: 'clone',
      upstreamLock: { git: { directory: up, ref: `${up}/v1` } },
    });
    const upgrade = {
      upgrade: { oldUpstream: { name: first }, newUpstream: { name: second }, currentPackage: { name: clone } },
    };
    const upgraded = await bench().draft({ package: down, workspace: 'v2', source: upgrade });
    expect((await bench().get(upgraded)).status).toMatchObject({
      creationSource: 'upgrade',
      upstreamLock: { git: { directory: up, ref: `${up}/v2` } },
    });
  });

  test('7.7.104, 7.7.105, 7.7.106: a proposal can be sent back; nobody without the right approves, and nothing skips a step', async () => {
    const { alice, bob, refs } = bound(bench());
    const name = bench().fresh();
    const v1 = await bench().draft({ package: name });
    expect((await refusal(bob.merge(KIND, v1, { spec: { lifecycle: 'Published' } }))).reason).toBe('Invalid');
    await bench().move(alice, v1, 'Proposed');
    expect((await refusal(alice.merge(KIND, v1, { spec: { lifecycle: 'Published' } }))).reason).toBe('Forbidden');
    await bench().move(bob, v1, 'Draft');
    expect(await refs(name)).toEqual([`heads/drafts/${name}/v1`]);
    await bench().move(alice, v1, 'Proposed');
    await bench().move(bob, v1, 'Published');
    for (const lifecycle of ['Draft', 'Proposed']) {
      expect((await refusal(bob.merge(KIND, v1, { spec: { lifecycle } }))).reason).toBe('Invalid');
    }
    expect(await refs(name)).toEqual([`tags/${name}/v1`]);
  });

  test('7.7.118, C-04: two workspaces of a package approved at once get distinct numbers, other packages at the same time theirs', async () => {
    const names = Array.from({ length: 4 }, () => bench().fresh());
    const requests = names.flatMap((name) => ['a', 'b'].map((workspace) => ({ package: name, workspace })));
    const drafts = await Promise.all(requests.map((request) => bench().draft(request)));
    await Promise.all(drafts.map((draft) => bench().move(bench().alice, draft, 'Proposed')));
    await Promise.all(drafts.map((draft) => bench().move(bench().bob, draft, 'Published')));
    for (const name of names) {
      const both = await Promise.all(['a', 'b'].map((workspace) => bench().get(`git.${name}.${workspace}`)));
      expect(both.map(({ status }) => status?.revision).sort()).toEqual([1, 2]);
      const isMarked = ({ metadata, status }: PackageRevision) =>
        metadata.labels?.[LATEST] === String(status?.revision === 2);
      for (const { metadata } of both) await bench().until<PackageRevision>(KIND, metadata.name, isMarked);
      expect(await bench().refs(name)).toEqual([`tags/${name}/v1`, `tags/${name}/v2`]);
    }
    await bench().remote().fsck();
  });

  test('7.7.123, P-01: of two equal requests from one base one wins and the other is told at once', async () => {
    const { alice, bob } = bound(bench());
    const name = bench().fresh();
    const request = { package: name };
    const outcomes = async (...attempts: readonly Promise<unknown>[]) =>
      (await Promise.allSettled(attempts)).map(({ status }) => status).sort();
    const oneEach = ['fulfilled', 'rejected'];
    expect(await outcomes(bench().create(request), bench().create(request, bob))).toEqual(oneEach);
    const v1 = `git.${name}.v1`;
    await bench().untilIn(v1, 'Draft');
    for (const lifecycle of ['Proposed', 'Published', 'DeletionProposed'] as const) {
      const base = await bench().get(v1);
      const wanted = { ...base, spec: { ...base.spec, lifecycle } };
      const [one, other] = [
        bob.put(wanted),
        bob.put({ ...wanted, metadata: { ...base.metadata, labels: { x: 'y', ...base.metadata.labels } } }),
      ];
      expect(await outcomes(one, other)).toEqual(oneEach);
      await bench().untilIn(v1, lifecycle);
    }
    const { metadata } = await bench().get(v1);
    const path = `/apis/porch.kpt.dev/v1alpha2/namespaces/${alice.namespace}/packagerevisions/${v1}`;
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      preconditions: { resourceVersion: metadata.resourceVersion },
    };
    const remove = () => alice.client.json({ method: 'DELETE', path, body });
    expect(await outcomes(remove(), remove())).toEqual(oneEach);
    await bench().untilGone(KIND, v1);
    expect(await bench().refs(name)).toEqual([]);
  });
}

function bound(bench: LifecycleBench) {
  return {
    alice: bench.alice,
    bob: bench.bob,
    refs: (name: string) => bench.refs(name),
    untilIn: bench.untilIn.bind(bench),
  };
}

import { expect, test } from '@jest/globals';
import type { PackageRevision } from '../../../src/api/kinds.ts';
import { configMap, refusal } from '../admission/support.ts';
import { conditionOf } from '../support/cluster.ts';
import { waitFor } from '../support/wait-for.ts';
import { KIND, type LifecycleBench } from './bench.ts';

const NOT_PROPOSED = 'must be proposed for deletion';

/** How revisions go, and what keeps them. */
export function removal(bench: () => LifecycleBench): void {
  /** The head of a branch is seen to once it is proposed for deletion. */
  async function removePlaceholder(name: string): Promise<void> {
    await bench().alice.merge(KIND, name, { spec: { lifecycle: 'DeletionProposed' } });
    await bench().until<PackageRevision>(KIND, name, ({ metadata }) => metadata.finalizers !== undefined);
    await bench().alice.delete(KIND, name);
    await bench().untilGone(KIND, name);
  }

  test('7.7.107, 7.7.108, P-05, 7.9.174: a proposed deletion deletes nothing and can be undone; published revisions stay', async () => {
    const name = bench().fresh();
    const v1 = await bench().published({ package: name });
    await bench().move(bench().alice, v1, 'DeletionProposed');
    await bench().look();
    const read = await bench().get(v1);
    expect(read.status).toMatchObject({ observedLifecycle: 'DeletionProposed', revision: 1 });
    expect(await bench().remote().git('show', `${name}/v1:${name}/Kptfile`)).toContain(`name: ${name}`);
    await bench().move(bench().bob, v1, 'Published');
    expect((await refusal(bench().alice.delete(KIND, v1))).message).toContain(NOT_PROPOSED);
    expect(await bench().refs(name)).toEqual([`tags/${name}/v1`]);
    await bench().remove(v1);
    expect(await bench().refs(name)).toEqual([]);
  });

  test('7.7.108: a draft and a proposal that was sent back are deleted with their branches', async () => {
    const names = [bench().fresh(), bench().fresh()] as const;
    const [v1, v2] = [await bench().draft({ package: names[0] }), await bench().draft({ package: names[1] })];
    await bench().move(bench().alice, v2, 'Proposed');
    await bench().move(bench().alice, v2, 'Draft');
    for (const draft of [v1, v2]) {
      await bench().alice.delete(KIND, draft);
      await bench().untilGone(KIND, draft);
    }
    for (const name of names) expect(await bench().refs(name)).toEqual([]);
  });

  test('7.7.112, 7.7.114: revision and placeholder go one by one, and the workspace can be made anew', async () => {
    const name = bench().fresh();
    const v1 = await bench().published({ package: name });
    const main = `git.${name}.main`;
    await bench().untilIn(main, 'Published');
    await bench().remove(v1);
    expect(await bench().remote().git('ls-tree', '--name-only', 'main', name)).toBe(name);
    await bench().untilIn(main, 'Published');
    await removePlaceholder(main);
    expect(await bench().remote().git('ls-tree', '--name-only', 'main', name)).toBe('');

    const again = await bench().published({ package: name });
    const { status } = await bench().get(again);
    expect(status).toMatchObject({ creationSource: 'init', observedLifecycle: 'Published' });
    // Numbers are never used twice.
    expect(status?.revision).toBe(2);
  });

  test('7.7.113: two placeholders that are deleted one after the other go by separate commits', async () => {
    const names = [bench().fresh(), bench().fresh()];
    for (const name of names) {
      await bench().published({ package: name });
      await bench().untilIn(`git.${name}.main`, 'Published');
    }
    const commits = async () => Number(await bench().remote().git('rev-list', '--count', 'main'));
    const before = await commits();
    for (const name of names) await removePlaceholder(`git.${name}.main`);
    expect(await commits()).toBe(before + 2);
    for (const name of names) expect(await bench().remote().git('ls-tree', '--name-only', 'main', name)).toBe('');
  });

  test('7.7.115: what another one was cloned from is not deleted, and the answer names that one; afterwards it is', async () => {
    const [up, down] = [bench().fresh(), bench().fresh()];
    const v1 = await bench().published({ package: up });
    const clone = await bench().draft({ package: down, source: { cloneFrom: { upstreamRef: { name: v1 } } } });
    await bench().move(bench().alice, v1, 'DeletionProposed');
    await bench().until<PackageRevision>(KIND, v1, ({ status }) => status?.referencedBy?.includes(clone) ?? false);
    const { reason, message } = await refusal(bench().alice.delete(KIND, v1));
    expect(reason).toBe('Forbidden');
    expect(message).toContain(clone);
    await bench().alice.delete(KIND, clone);
    await bench().untilGone(KIND, clone);
    await bench().until<PackageRevision>(KIND, v1, ({ status }) => status?.referencedBy === undefined);
    await bench().alice.delete(KIND, v1);
    await bench().untilGone(KIND, v1);
    expect(await bench().refs(up)).toEqual([]);
  });

  test('7.7.116: after an upgrade the new upstream is kept, and the old one may go', async () => {
    const [up, down] = [bench().fresh(), bench().fresh()];
    const first = await bench().published({ package: up });
    const second = await bench().published({ package: up, workspace: 'v2', source: { copyFrom: { name: first } } });
    const clone = await bench().published({ package: down, source: { cloneFrom: { upstreamRef: { name: first } } } });
    const upgrade = { oldUpstream: { name: first }, newUpstream: { name: second }, currentPackage: { name: clone } };
    const upgraded = await bench().published({ package: down, workspace: 'v2', source: { upgrade } });
    await bench().remove(clone);
    await bench().until<PackageRevision>(KIND, first, ({ status }) => status?.referencedBy === undefined);
    await bench().until<PackageRevision>(
      KIND,
      second,
      ({ status }) => status?.referencedBy?.includes(upgraded) ?? false,
    );
    await bench().remove(first);
    await bench().move(bench().alice, second, 'DeletionProposed');
    expect((await refusal(bench().alice.delete(KIND, second))).message).toContain(upgraded);
  });

  test('7.7.120: while somebody else keeps the object its content stays readable; then both go', async () => {
    const name = bench().fresh();
    const v1 = await bench().draft({ package: name });
    const { metadata } = await bench().get(v1);
    const finalizers = [...(metadata.finalizers ?? []), 'example.com/hold'];
    await bench().alice.merge(KIND, v1, { metadata: { finalizers } });
    await bench().alice.delete(KIND, v1);
    await bench().look();
    const held = await bench().get(v1);
    expect(held.metadata.deletionTimestamp).toBeDefined();
    expect(await bench().refs(name)).toEqual([`heads/drafts/${name}/v1`]);
    expect(await bench().remote().git('show', `drafts/${name}/v1:${name}/Kptfile`)).toContain(`name: ${name}`);
    await bench().alice.merge(KIND, v1, {
      metadata: {
        finalizers: (held.metadata.finalizers ?? []).filter((finalizer) => finalizer !== 'example.com/hold'),
      },
    });
    await bench().untilGone(KIND, v1);
    expect(await bench().refs(name)).toEqual([]);
  });

  test('7.7.121: a draft that a ConfigMap owns goes with it, and its branch too', async () => {
    const name = bench().fresh();
    const owner = await bench().alice.create(configMap(name));
    const { uid } = owner.metadata;
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name, uid }];
    const v1 = await bench().create({ package: name, metadata: { ownerReferences } });
    const { metadata } = await bench().untilIn(v1, 'Draft');
    // Garbage is what no owner is left of: the repository is one as well.
    await bench().alice.merge(KIND, v1, {
      metadata: { ownerReferences: metadata.ownerReferences?.filter(({ kind }) => kind === 'ConfigMap') },
    });
    await bench().alice.delete('ConfigMap', name);
    await bench().untilGone(KIND, v1);
    expect(await bench().refs(name)).toEqual([]);
  });

  test('7.9.176: an error of git keeps the object and says so; deleted it is once git lets it', async () => {
    const name = bench().fresh();
    const v1 = await bench().draft({ package: name });
    bench().git.fault = (kind) => (kind === 'push' ? { kind: 'status', status: 500 } : undefined);
    await bench().alice.delete(KIND, v1);
    const kept = await bench().until<PackageRevision>(
      KIND,
      v1,
      (object) => conditionOf(object, 'Ready')?.status === 'False',
    );
    expect(kept.metadata.finalizers).toEqual(['porch.kpt.dev/packagerevisions']);
    expect(await bench().refs(name)).toEqual([`heads/drafts/${name}/v1`]);
    bench().git.fault = () => undefined;
    await bench().untilGone(KIND, v1);
    expect(await bench().refs(name)).toEqual([]);
  });

  test('7.9.179: what vanishes from git is forgotten', async () => {
    const name = bench().fresh();
    const v1 = await bench().draft({ package: name });
    await bench().remote().git('update-ref', '-d', `refs/heads/drafts/${name}/v1`);
    await bench().look();
    await bench().untilGone(KIND, v1);
    await waitFor(async () => (await bench().refs(name)).length === 0, { what: 'nothing is made again' });
  });
}

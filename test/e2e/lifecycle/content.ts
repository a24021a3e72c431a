import { expect, test } from '@jest/globals';
import { ALL_KINDS, PACKAGE_REVISION, type PackageRevision } from '../../../src/api/kinds.ts';
import { RECONCILE_AT_ANNOTATION } from '../../../src/api/labels.ts';
import { KubernetesStore } from '../../../src/kube/adapters/kubernetes/store.ts';
import { refusal } from '../admission/support.ts';
import { conditionOf } from '../support/cluster.ts';
import { waitFor } from '../support/wait-for.ts';
import { KIND, type LifecycleBench, revisionObject } from './bench.ts';
import { kptfile } from './repositories.ts';

const GATED = ['info:', '  readinessGates:', '    - conditionType: checked'];
const CHECKED = ['status:', '  conditions:', '    - type: checked', '      status: "True"', '      reason: Seen'];
const BROKEN = ['pipeline:', '  mutators:', '    - image: set-namespace:v0.4.1'];

/** What is in a package and what its object says of it. */
export function content(bench: () => LifecycleBench): void {
  const push = (name: string, ...lines: readonly string[]) =>
    bench()
      .remote()
      .commit(`drafts/${name}/v1`, { [`${name}/Kptfile`]: kptfile(name, lines) });
  const commitOf = (name: string) => bench().remote().git('rev-parse', `drafts/${name}/v1`);

  test('7.6.98, 7.6.102, 7.9.171: an unmet gate keeps a draft; what the package says is mirrored, also that it says it no more', async () => {
    const name = bench().fresh();
    const v1 = await bench().draft({ package: name });
    await push(name, ...GATED);
    await bench().look();
    await bench().until<PackageRevision>(KIND, v1, ({ spec }) => spec.readinessGates?.[0]?.conditionType === 'checked');
    await bench().alice.merge(KIND, v1, { spec: { lifecycle: 'Proposed' } });
    const kept = await bench().untilReason(v1, 'NotProposable');
    expect(conditionOf(kept, 'Ready')?.message).toContain('checked');
    expect(await bench().refs(name)).toEqual([`heads/drafts/${name}/v1`]);
    await push(name, ...GATED, ...CHECKED);
    await bench().look();
    const proposed = await bench().untilIn(v1, 'Proposed');
    expect(proposed.status?.packageConditions).toContainEqual(
      expect.objectContaining({ type: 'checked', status: 'True' }),
    );

    await bench().move(bench().alice, v1, 'Draft');
    await push(name);
    await bench().look();
    const says = ({ status }: PackageRevision) =>
      status?.packageConditions?.some(({ type }) => type === 'checked') ?? false;
    await bench().until<PackageRevision>(
      KIND,
      v1,
      (object) => (object.spec.readinessGates ?? []).length === 0 && !says(object),
    );
  });

  test('7.7.109, P-07: a package that does not render is not proposed; a copy of a bad published one can be edited', async () => {
    const name = bench().fresh();
    const v1 = await bench().draft({ package: name });
    await push(name, ...BROKEN);
    await bench().look();
    await bench().until<PackageRevision>(KIND, v1, (object) => conditionOf(object, 'Rendered')?.status === 'False');
    await bench().alice.merge(KIND, v1, { spec: { lifecycle: 'Proposed' } });
    await bench().until<PackageRevision>(
      KIND,
      v1,
      (object) =>
        object.status?.observedGeneration === object.metadata.generation &&
        conditionOf(object, 'Ready')?.status === 'False',
    );
    expect(await bench().refs(name)).toEqual([`heads/drafts/${name}/v1`]);

    const bad = bench().fresh();
    const remote = bench().remote();
    await remote.commit(`made-by-hand-${bad}`, { [`${bad}/Kptfile`]: kptfile(bad, BROKEN) });
    await remote.git('tag', `${bad}/v1`, `made-by-hand-${bad}`);
    await remote.git('update-ref', '-d', `refs/heads/made-by-hand-${bad}`);
    await bench().look();
    await bench().untilIn(`git.${bad}.v1`, 'Published');
    const copy = await bench().create({
      package: bad,
      workspace: 'w2',
      source: { copyFrom: { name: `git.${bad}.v1` } },
    });
    await bench().until<PackageRevision>(KIND, copy, ({ status }) => status?.observedLifecycle === 'Draft');
    expect(await bench().refs(bad)).toContain(`heads/drafts/${bad}/w2`);
  });

  test.each([
    ['a revision that is not there', { cloneFrom: { upstreamRef: { name: 'git.nothing.v1' } } }, 'git.nothing.v1'],
    [
      'a branch that is not there',
      { cloneFrom: { git: { repo: '<git>', ref: 'nowhere', directory: 'x' } } },
      'nowhere',
    ],
    [
      'a server that is not there',
      { cloneFrom: { git: { repo: 'http://127.0.0.1:9/x.git', ref: 'main', directory: 'x' } } },
      '127.0.0.1',
    ],
    ['a copy of nothing', { copyFrom: { name: 'git.nothing.v1' } }, 'git.nothing.v1'],
  ])(
    '7.7.124, 7.9.163, 7.9.164: made from %s it says what failed, and there is no branch',
    async (_, source, words) => {
      const name = bench().fresh();
      const text = JSON.stringify(source).replace('<git>', bench().git.url('git.git'));
      const v1 = await bench().create({ package: name, source: JSON.parse(text) as object });
      const failed = await bench().until<PackageRevision>(
        KIND,
        v1,
        (object) =>
          conditionOf(object, 'Ready')?.status === 'False' &&
          conditionOf(object, 'Ready')?.message.includes(words) === true,
      );
      expect(failed.status?.creationSource).toBeUndefined();
      expect(conditionOf(failed, 'Rendered')?.status).not.toBe('True');
      expect(await bench().refs(name)).toEqual([]);
      await bench().alice.delete(KIND, v1);
      await bench().untilGone(KIND, v1);
    },
  );

  test('7.9.164: what a refused push leaves is nothing, and it is made once pushes go through', async () => {
    const name = bench().fresh();
    bench().git.fault = (kind) => (kind === 'push' ? { kind: 'status', status: 500 } : undefined);
    const v1 = await bench().create({ package: name });
    const failed = await bench().until<PackageRevision>(
      KIND,
      v1,
      (object) => conditionOf(object, 'Ready')?.status === 'False',
    );
    expect(failed.status?.creationSource).toBeUndefined();
    expect(await bench().refs(name)).toEqual([]);
    bench().git.fault = () => undefined;
    expect((await bench().untilIn(v1, 'Draft')).status?.creationSource).toBe('init');
  });

  test('7.9.172: a move that git refuses is said, and made when git lets it', async () => {
    const name = bench().fresh();
    const v1 = await bench().draft({ package: name });
    await bench()
      .remote()
      .hook('pre-receive', `grep -q "proposed/${name}/" && { echo "no proposals today" >&2; exit 1; }; exit 0`);
    await bench().alice.merge(KIND, v1, { spec: { lifecycle: 'Proposed' } });
    const refused = await bench().until<PackageRevision>(
      KIND,
      v1,
      (object) => conditionOf(object, 'Ready')?.message.includes('no proposals today') === true,
    );
    expect(refused.status?.observedLifecycle).toBe('Draft');
    await bench().remote().hook('pre-receive', 'exit 0');
    await bench().untilIn(v1, 'Proposed');
  });

  test('7.9.161, T-07: ten reconciles without a change make nothing again, and write that they were made and no more', async () => {
    const name = bench().fresh();
    const v1 = await bench().draft({ package: name });
    const commit = await commitOf(name);
    const { status } = await bench().get(v1);
    const began = Date.now();
    for (let round = 0; round < 10; round += 1) {
      const at = `${began}-${round}`;
      await bench().alice.merge(KIND, v1, { metadata: { annotations: { [RECONCILE_AT_ANNOTATION]: at } } });
      await bench().until<PackageRevision>(KIND, v1, (object) => object.status?.lastHandledReconcileAt === at);
    }
    const lastHandledReconcileAt = `${began}-9`;
    expect((await bench().get(v1)).status).toEqual({ ...status, lastHandledReconcileAt });
    expect(await commitOf(name)).toBe(commit);
    const writes = (await bench().writesSince(began)).filter((write) => write.endsWith(v1));
    expect(writes).toEqual(Array.from({ length: 10 }, () => `patch packagerevisions/${v1}`));
  });

  test('7.9.181: conditions and fields that others manage stay', async () => {
    const name = bench().fresh();
    const v1 = await bench().draft({ package: name });
    const condition = {
      type: 'example.com/Scanned',
      status: 'True',
      reason: 'Clean',
      message: 'nothing found',
      lastTransitionTime: '2030-01-01T00:00:00Z',
    };
    const { client, namespace } = bench().company.admin;
    await client.json({
      method: 'PATCH',
      path: `/apis/porch.kpt.dev/v1alpha2/namespaces/${namespace}/packagerevisions/${v1}/status`,
      query: { fieldManager: 'scanner' },
      contentType: 'application/apply-patch+yaml',
      body: {
        apiVersion: 'porch.kpt.dev/v1alpha2',
        kind: KIND,
        metadata: { name: v1 },
        status: { conditions: [condition] },
      },
    });
    const proposed = await bench().move(bench().alice, v1, 'Proposed');
    expect(conditionOf(proposed, 'example.com/Scanned')).toEqual(condition);
    expect(conditionOf(proposed, 'Rendered')?.status).toBe('True');
  });

  test('7.7.125: a watch tells of what there is first, then of each addition, change and deletion', async () => {
    const name = bench().fresh();
    const { client, namespace } = bench().company.admin;
    const store = new KubernetesStore({ client, kinds: ALL_KINDS });
    const stop = new AbortController();
    const { resourceVersion, items } = await store.list(PACKAGE_REVISION, { namespace });
    expect(items.length).toBeGreaterThan(0);
    const told: string[] = [];
    const watching = (async () => {
      for await (const event of store.watch(PACKAGE_REVISION, { namespace, resourceVersion, signal: stop.signal })) {
        if (event.type === 'BOOKMARK' || event.object.spec.packageName !== name) continue;
        const { type, object } = event;
        const seen = `${type} ${object.spec.workspaceName} ${object.status?.observedLifecycle ?? 'new'}`;
        if (told.at(-1) !== seen) told.push(seen);
      }
    })().catch(() => undefined);
    const v1 = await bench().published({ package: name });
    await bench().move(bench().alice, v1, 'DeletionProposed');
    await bench().alice.delete(KIND, v1);
    await waitFor(() => told.some((line) => line.startsWith('DELETED v1')), { what: 'the deletion is told' });
    stop.abort();
    await watching;
    const ofV1 = [...new Set(told.filter((line) => line.includes(' v1 ')))];
    // How long it is new depends on how its first two writes fall together.
    expect(ofV1.filter((line) => line !== 'MODIFIED v1 new')).toEqual([
      'ADDED v1 new',
      'MODIFIED v1 Draft',
      'MODIFIED v1 Proposed',
      'MODIFIED v1 Published',
      'MODIFIED v1 DeletionProposed',
      'DELETED v1 DeletionProposed',
    ]);
    expect(told).toContain('ADDED main new');
  });

  test('7.5.74: what is pushed to a proposal cannot be approved before it was a draft again and rendered', async () => {
    const { alice, bob } = bench();
    const name = bench().fresh();
    const v1 = await bench().draft({ package: name });
    await bench().move(alice, v1, 'Proposed');
    const labels = [
      'pipeline:',
      '  mutators:',
      '    - image: set-labels:v0.2.0',
      '      configMap:',
      '        step: done',
    ];
    const settings = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n';
    const files = { [`${name}/Kptfile`]: kptfile(name, labels), [`${name}/a.yaml`]: settings };
    await bench().remote().commit(`proposed/${name}/v1`, files);
    await bench().look();
    await bench().untilReason(v1, 'NotRendered');
    const approval = bob.merge(KIND, v1, { spec: { lifecycle: 'Published' } });
    expect(await refusal(approval)).toMatchObject({
      reason: 'Invalid',
      message: expect.stringContaining('spec.lifecycle: the package is not rendered'),
    });
    await bench().move(bob, v1, 'Draft');
    await bench().move(alice, v1, 'Proposed');
    await bench().move(bob, v1, 'Published');
    expect(await bench().remote().git('show', `${name}/v1:${name}/a.yaml`)).toContain('step: done');
  });

  test('C-02: whoever reads while a package is saved sees it as it was or as it is, nothing between', async () => {
    const name = bench().fresh();
    const steps = ['set-labels:v0.2.0', 'set-annotations:v0.1.4'].flatMap((image) => [
      `    - image: ${image}`,
      '      configMap:',
      '        step: done',
    ]);
    const draft = `drafts/${name}/v1`;
    const remote = bench().remote();
    const v1 = await bench().draft({ package: name });
    await remote.commit(draft, {
      [`${name}/Kptfile`]: kptfile(name, ['pipeline:', '  mutators:', ...steps]),
      [`${name}/a.yaml`]: 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n',
    });
    const before = await commitOf(name);
    const seen = new Set<string>();
    let reads = true;
    const reading = (async () => {
      while (reads) seen.add(await commitOf(name));
    })();
    await bench().look();
    await bench().until<PackageRevision>(
      KIND,
      v1,
      ({ status }) =>
        status?.observedCommit !== before &&
        status?.observedCommit !== undefined &&
        conditionOf({ ...revisionObject({ package: name }), status } as PackageRevision, 'Rendered')?.status === 'True',
    );
    const after = await waitFor(
      async () => {
        const commit = await commitOf(name);
        return commit !== before && commit;
      },
      { what: 'it is rendered' },
    );
    reads = false;
    await reading;
    expect([...seen].filter((commit) => commit !== before && commit !== after)).toEqual([]);
    const rendered = await remote.git('show', `${after}:${name}/a.yaml`);
    expect(rendered).toContain('labels:\n    step: done');
    expect(rendered).toContain('annotations:\n    step: done');
  });
}

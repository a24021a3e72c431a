import { expect, test } from '@jest/globals';
import type { PackageRevision, PackageVariant, Repository } from '../../../src/api/kinds.ts';
import type { KubeObject } from '../../../src/api/object.ts';
import { kstatus } from '../../env/kstatus/kstatus.ts';
import { conditionOf, isReady } from '../support/cluster.ts';
import { waitFor } from '../support/wait-for.ts';
import { KIND, type LifecycleBench, revisionObject } from './bench.ts';

const HOLD = 'example.com/hold';

/** What Flux, kpt and Argo CD's health checks by kstatus make of our objects at each stage. */
export function kstatusStages(bench: () => LifecycleBench): void {
  const admin = () => bench().company.admin;
  const statusOf = async (kind: string, name: string) => {
    const object = await admin().get<KubeObject>(kind, name);
    return (await kstatus([object])).get(`${object.metadata.namespace}/${name}`);
  };

  /** Nothing is reconciled until the process goes on. */
  async function whileStopped(work: () => Promise<void>): Promise<void> {
    bench().controller.kill('SIGSTOP');
    try {
      await work();
    } finally {
      bench().controller.kill('SIGCONT');
    }
  }

  /** Deletes it while somebody else holds it. */
  async function expectTerminating(kind: string, name: string): Promise<void> {
    const { metadata } = await admin().get<KubeObject>(kind, name);
    await admin().merge(kind, name, { metadata: { finalizers: [...(metadata.finalizers ?? []), HOLD] } });
    await admin().delete(kind, name);
    expect(await statusOf(kind, name)).toBe('Terminating');
    // The operator takes its own finalizer off at any moment.
    const letGo = async () => {
      const { metadata: held } = await admin().get<KubeObject>(kind, name);
      const { resourceVersion, finalizers = [] } = held;
      const others = finalizers.filter((finalizer) => finalizer !== HOLD);
      return await admin().merge(kind, name, { metadata: { resourceVersion, finalizers: others } });
    };
    await waitFor(letGo, { what: `${name} is let go` });
    await bench().untilGone(kind, name);
  }

  test('a Repository: fresh, Ready, changed, away, impossible, deleting', async () => {
    const name = `k-${bench().fresh()}`;
    await bench().makeRemote(name);
    await whileStopped(async () => {
      await admin().create(bench().manifest(name));
      expect(await statusOf('Repository', name)).toBe('InProgress');
    });
    await bench().until<Repository>('Repository', name, isReady);
    expect(await statusOf('Repository', name)).toBe('Current');
    await whileStopped(async () => {
      await admin().merge('Repository', name, { spec: { description: 'changed' } });
      expect(await statusOf('Repository', name)).toBe('InProgress');
    });
    await bench().until<Repository>('Repository', name, isReady);
    await expectTerminating('Repository', name);

    const away = `k-${bench().fresh()}`;
    await admin().create(bench().manifest(away, { branch: 'main' }, 'nowhere'));
    await bench().until<Repository>('Repository', away, (object) => conditionOf(object, 'Ready')?.status === 'False');
    expect(await statusOf('Repository', away)).toBe('InProgress');
    await admin().delete('Repository', away);
  });

  test('T-01, a PackageRevision: fresh, Draft, Proposed, Published, changed, failed, deleting', async () => {
    const name = bench().fresh();
    const v1 = `git.${name}.v1`;
    await whileStopped(async () => {
      await bench().create({ package: name });
      expect(await statusOf(KIND, v1)).toBe('InProgress');
    });
    await bench().untilIn(v1, 'Draft');
    expect(await statusOf(KIND, v1)).toBe('Current');
    await whileStopped(async () => {
      await bench().alice.merge(KIND, v1, { spec: { lifecycle: 'Proposed' } });
      expect(await statusOf(KIND, v1)).toBe('InProgress');
      expect(isReady(await bench().get(v1))).toBe(false);
    });
    await bench().untilIn(v1, 'Proposed');
    expect(await statusOf(KIND, v1)).toBe('Current');
    await bench().move(bench().bob, v1, 'Published');
    expect(await statusOf(KIND, v1)).toBe('Current');
    await bench().alice.merge(KIND, v1, { spec: { lifecycle: 'DeletionProposed' } });
    await bench().untilIn(v1, 'DeletionProposed');
    await expectTerminating(KIND, v1);

    const waiting = await bench().create({ package: name, repository: 'comes-later' });
    await bench().untilReason(waiting, 'RepositoryNotFound');
    expect(await statusOf(KIND, waiting)).toBe('InProgress');
    await bench().register('comes-later');
    await bench().untilIn(waiting, 'Draft');
    expect(await statusOf(KIND, waiting)).toBe('Current');

    const [source, copy] = [bench().fresh(), bench().fresh()];
    const cloneFrom = { upstreamRef: { name: `git.${source}.v1` } };
    const early = await bench().create({ package: copy, source: { cloneFrom } });
    await bench().untilReason(early, 'SourceNotFound');
    expect(await statusOf(KIND, early)).toBe('InProgress');
    await bench().published({ package: source });
    await bench().untilIn(early, 'Draft');

    const wrong = revisionObject({ package: name, workspace: 'wrong', source: { copyFrom: { name: 'git.other.v1' } } });
    await bench().published({ package: 'other' });
    await bench().alice.create(wrong);
    const failed = await bench().until<PackageRevision>(
      KIND,
      wrong.metadata.name,
      (object) => conditionOf(object, 'Stalled')?.status === 'True',
    );
    expect(conditionOf(failed, 'Ready')?.status).toBe('False');
    expect(await statusOf(KIND, wrong.metadata.name)).toBe('Failed');
  });

  test('a PackageVariant: fresh, waiting for approval, published, failed, deleting', async () => {
    const [up, down] = [bench().fresh(), bench().fresh()];
    await bench().published({ package: up });
    const variant = (name: string, spec: object): KubeObject & { readonly spec: object } => ({
      apiVersion: 'config.porch.kpt.dev/v1alpha1',
      kind: 'PackageVariant',
      metadata: { name },
      spec: {
        upstream: { repo: 'git', package: up, revision: 1 },
        downstream: { repo: 'git', package: down },
        ...spec,
      },
    });
    await whileStopped(async () => {
      await admin().create(variant(down, {}));
      expect(await statusOf('PackageVariant', down)).toBe('InProgress');
    });
    const drafted = await bench().until<PackageVariant>(
      'PackageVariant',
      down,
      (object) => isReady(object) && object.status?.phase === 'Draft',
    );
    expect(conditionOf(drafted, 'PendingApproval')?.status).toBe('True');
    expect(await statusOf('PackageVariant', down)).toBe('Current');
    const target = drafted.status?.downstreamTargets?.[0]?.name ?? '';
    await bench().move(bench().alice, target, 'Proposed');
    await bench().move(bench().bob, target, 'Published');
    await bench().until<PackageVariant>(
      'PackageVariant',
      down,
      (object) => isReady(object) && object.status?.phase === 'Published',
    );
    expect(await statusOf('PackageVariant', down)).toBe('Current');
    await expectTerminating('PackageVariant', down);

    const early = bench().fresh();
    const later = { repo: 'git', package: bench().fresh(), revision: 1 };
    await admin().create(variant(early, { upstream: later, downstream: { repo: 'git', package: early } }));
    const missing = ({ status }: PackageVariant) =>
      status?.conditions?.some(({ type, reason }) => type === 'Ready' && reason === 'UpstreamNotFound') === true;
    await bench().until<PackageVariant>('PackageVariant', early, missing);
    expect(await statusOf('PackageVariant', early)).toBe('InProgress');
    await bench().published({ package: later.package });
    await bench().until<PackageVariant>('PackageVariant', early, isReady);
    expect(await statusOf('PackageVariant', early)).toBe('Current');

    const bad = bench().fresh();
    const taken = bench().fresh();
    await bench().draft({ package: taken });
    await admin().create(variant(bad, { downstream: { repo: 'git', package: taken } }));
    await bench().until<PackageVariant>(
      'PackageVariant',
      bad,
      (object) => conditionOf(object, 'Stalled')?.status === 'True',
    );
    expect(await statusOf('PackageVariant', bad)).toBe('Failed');
  });

  test('a PackageVariantSet: fresh, all Ready, one target failed, deleting', async () => {
    const up = bench().fresh();
    const site = `k-${bench().fresh()}`;
    await bench().published({ package: up });
    await bench().register(site);
    const set = (name: string, template: object): KubeObject & { readonly spec: object } => ({
      apiVersion: 'config.porch.kpt.dev/v1alpha2',
      kind: 'PackageVariantSet',
      metadata: { name },
      spec: {
        upstream: { repo: 'git', package: up, revision: 1 },
        targets: [{ repositories: [{ name: site }], template }],
      },
    });
    await whileStopped(async () => {
      await admin().create(set(up, {}));
      expect(await statusOf('PackageVariantSet', up)).toBe('InProgress');
    });
    await bench().until<KubeObject>('PackageVariantSet', up, isReady);
    expect(await statusOf('PackageVariantSet', up)).toBe('Current');
    await expectTerminating('PackageVariantSet', up);

    const bad = bench().fresh();
    await admin().create(set(bad, { downstream: { packageExpr: 'nothing.of.this' } }));
    await bench().until<KubeObject>(
      'PackageVariantSet',
      bad,
      (object) => conditionOf(object, 'Stalled')?.status === 'True',
    );
    expect(await statusOf('PackageVariantSet', bad)).toBe('Failed');
  });
}

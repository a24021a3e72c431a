import { beforeEach, describe, expect, test } from '@jest/globals';
import { TerminalError, TransientError } from '../../../../src/api/errors.ts';
import type { Rollout } from '../../../../src/api/generated/package-variant-set.ts';
import { PACKAGE_VARIANT_SET } from '../../../../src/api/kinds.ts';
import type { ObjectMeta } from '../../../../src/api/object.ts';
import { repositoryOf, revisionOf } from '../support.ts';
import { SetWorld } from './set-world.ts';
import { clusterOf, labelled, setOf, type Targets, type Template } from './support.ts';

const CONFIRM = 'veranda.dev/confirm-deletions';
const clusters = (template?: Template): Targets => [
  { objectSelector: { apiVersion: 'infra.example.com/v1', kind: 'Cluster' }, ...(template ? { template } : {}) },
];
const numbered = (count: number) => Array.from({ length: count }, (_, index) => `c${String(index).padStart(3, '0')}`);

let world: SetWorld;

beforeEach(() => {
  world = new SetWorld();
});

/** Clusters and a repository for each of them. */
async function fleetOf(names: readonly string[], labels: Record<string, string> = {}): Promise<void> {
  for (const name of names) await world.apply(clusterOf(name, labels), labelled(name, labels));
}

async function drop(names: readonly string[]): Promise<void> {
  for (const name of names) await world.remove(clusterOf(name));
}

describe('a set', () => {
  test('makes one variant for each selected object, and none twice', async () => {
    await fleetOf(['a', 'b']);
    await world.apply(setOf(clusters()));
    await world.reconcile();
    expect(await world.names()).toEqual(['my-pvs-a-foo', 'my-pvs-b-foo']);
    await world.reconcile();
    expect(world.writes).toEqual([]);
  });

  test('16.174: an object that appears or gets the label is a target', async () => {
    await fleetOf(['a']);
    await world.apply(
      setOf([{ objectSelector: { apiVersion: 'infra.example.com/v1', kind: 'Cluster', matchLabels: { ring: 'x' } } }]),
    );
    await world.reconcile();
    expect(await world.names()).toEqual([]);
    await world.apply(clusterOf('a', { ring: 'x' }), clusterOf('b', { ring: 'x' }));
    await world.reconcile();
    expect(await world.names()).toEqual(['my-pvs-a-foo', 'my-pvs-b-foo']);
  });

  test('selects Repositories by label, as repositorySelector and as objects', async () => {
    await world.apply(labelled('a', { ring: 'x' }), labelled('b', {}), labelled('c', { ring: 'x' }));
    const selector = { apiVersion: 'config.porch.kpt.dev/v1alpha1', kind: 'Repository', name: 'b' };
    await world.apply(setOf([{ repositorySelector: { matchLabels: { ring: 'x' } } }, { objectSelector: selector }]));
    await world.reconcile();
    expect(await world.names()).toEqual(['my-pvs-a-foo', 'my-pvs-b-foo', 'my-pvs-c-foo']);
  });

  test('16.175, W-34: a changed label of the template patches what differs, and nothing else', async () => {
    await fleetOf(numbered(40));
    const template = (label: string): Template => ({
      labels: { team: 'net' },
      labelExprs: [{ key: 'site', valueExpr: `target.name.endsWith('7') ? '${label}' : 'core'` }],
    });
    await world.apply(setOf(clusters(template('edge'))));
    await world.reconcile();
    expect(world.writes.filter(({ verb }) => verb === 'create')).toHaveLength(40);
    await world.apply(setOf(clusters(template('far'))));
    await world.reconcile();
    expect(world.writes.filter(({ verb }) => verb === 'patch').map(({ name }) => name)).toEqual(
      ['c007', 'c017', 'c027', 'c037'].map((name) => `my-pvs-${name}-foo`),
    );
    expect((await world.variants()).find(({ metadata }) => metadata.name === 'my-pvs-c017-foo')?.spec.labels).toEqual({
      team: 'net',
      site: 'far',
    });
  });

  test('16.171: what somebody adds to a variant’s spec goes, what he adds to its labels stays', async () => {
    await fleetOf(['a']);
    await world.apply(setOf(clusters({ labels: { team: 'net' } })));
    await world.reconcile();
    const [made] = await world.variants();
    if (!made) throw new Error('there is no variant');
    const byHand = { metadata: { labels: { by: 'hand' } }, spec: { labels: { by: 'hand' }, suspend: true } };
    await world.store.patch({ ...made, plural: '', namespaced: true }, made.metadata, byHand, {
      fieldManager: 'kubectl',
    });
    await world.reconcile();
    const [after] = await world.variants();
    expect(after?.spec).toEqual(made.spec);
    expect(after?.metadata.labels).toMatchObject({ by: 'hand' });
    await world.reconcile();
    expect(world.writes).toEqual([]);
  });

  test('16.176: a set that is being deleted makes nothing', async () => {
    await fleetOf(['a']);
    await world.apply(setOf(clusters(), {}, { finalizers: ['example.com/foreground'] }));
    await world.remove(await world.set());
    await world.reconcile();
    expect(await world.names()).toEqual([]);
    expect(world.writes).toEqual([]);
  });

  test('a variant that is being deleted is made again when it has gone', async () => {
    await fleetOf(['a']);
    await world.apply(setOf(clusters()));
    await world.reconcile();
    const [variant] = await world.variants();
    if (variant) await world.remove(variant);
    await world.reconcile();
    expect(await world.condition()).toMatchObject({ status: 'Unknown', reason: 'VariantsNotReady' });
    await world.finalize();
    await world.reconcile();
    const [after] = await world.variants();
    expect(after?.metadata.uid).not.toBe(variant?.metadata.uid);
  });

  test('16.166, W-28: targets without repository or label are told, the others go on', async () => {
    await fleetOf(numbered(4), { zone: 'z' });
    await world.apply(clusterOf('c001'), clusterOf('nowhere', { zone: 'z' }));
    await world.apply(setOf(clusters({ labelExprs: [{ key: 'zone', valueExpr: 'target.labels.zone' }] })));
    await world.reconcile();
    expect(await world.names()).toEqual(['c000', 'c002', 'c003'].map((name) => `my-pvs-${name}-foo`));
    const { status } = await world.set();
    expect(status?.summary).toMatchObject({ desired: 5, failed: 2, progressing: 3 });
    expect(status?.targets?.slice(0, 2)).toEqual([
      {
        target: 'spec.targets[0].objectSelector (Cluster c001)',
        ready: false,
        reason: 'ExpressionFailed',
        message: expect.stringContaining('spec.targets[0].template.labelExprs[0].valueExpr: '),
      },
      {
        target: 'spec.targets[0].objectSelector (Cluster nowhere)',
        ready: false,
        reason: 'RepositoryNotFound',
        message: 'Repository nowhere does not exist',
      },
    ]);
    expect(await world.condition()).toMatchObject({ status: 'False', reason: 'TargetsFailed' });
    await world.apply(clusterOf('c001', { zone: 'z' }), repositoryOf('nowhere'));
    await world.reconcile();
    expect((await world.variants()).length).toBe(5);
  });

  test('16.136: a set that is wrong as a whole changes nothing and says all that is wrong', async () => {
    await fleetOf(['a']);
    await world.apply(setOf(clusters()));
    await world.reconcile();
    await world.apply(setOf([], { upstream: { repo: '', package: 'foo', revision: 1 } }));
    expect(await world.failure()).toBeInstanceOf(TerminalError);
    expect(await world.condition('Stalled')).toMatchObject({
      status: 'True',
      reason: 'ValidationError',
      message: expect.stringMatching(/spec\.upstream\.repo.*spec\.targets/),
    });
    expect(await world.names()).toEqual(['my-pvs-a-foo']);
  });

  test('W-29, 16.181: expressions wait for the upstream, and never see an unrelated draft', async () => {
    await world.apply(repositoryOf('blueprints'));
    await fleetOf(['a']);
    await world.apply(revisionOf({ workspace: 'other', revision: 0, lifecycle: 'Draft' }));
    const upstream = { repo: 'blueprints', package: 'foo', workspaceName: 'v9' };
    const template = { annotationExprs: [{ key: 'from', valueExpr: 'upstream.name' }] };
    await world.apply(setOf(clusters(template), { upstream }));
    await world.reconcile();
    expect(await world.names()).toEqual([]);
    expect((await world.set()).status?.targets).toMatchObject([{ reason: 'UpstreamNotFound' }]);
    await world.apply(revisionOf({ workspace: 'v9', revision: 9 }));
    await world.reconcile();
    expect((await world.variants()).map(({ spec }) => spec.annotations)).toEqual([{ from: 'blueprints.foo.v9' }]);
  });

  test('a look that somebody asks for is noted once', async () => {
    await fleetOf(['a']);
    await world.apply(setOf(clusters(), {}, { annotations: { 'veranda.dev/reconcile-at': 'now' } }));
    await world.reconcile();
    expect((await world.set()).status?.lastHandledReconcileAt).toBe('now');
    await world.settle();
    await world.reconcile();
    await world.reconcile();
    expect(world.writes).toEqual([]);
  });

  test('suspend stops all work', async () => {
    await fleetOf(['a']);
    await world.apply(setOf(clusters(), { suspend: true }));
    await world.reconcile();
    expect(await world.names()).toEqual([]);
    expect(await world.condition()).toMatchObject({ reason: 'Suspended' });
  });
});

describe('failures', () => {
  test('16.182: writes that fail are tried again, and the others are made', async () => {
    await fleetOf(numbered(10));
    await world.apply(setOf(clusters()));
    world.onWrite = ({ verb, name }) => {
      if (verb === 'create' && name.includes('c003')) throw new TransientError('Unavailable', 'the server is busy');
    };
    expect(await world.failure()).toBeInstanceOf(TransientError);
    expect(await world.names()).toHaveLength(9);
    world.onWrite = () => undefined;
    await world.reconcile();
    expect(await world.names()).toHaveLength(10);
  });

  test('W-33: a failure that stays moves no transition time and writes no status', async () => {
    await fleetOf(numbered(3));
    await world.apply(setOf(clusters()));
    world.onWrite = ({ verb }) => {
      if (verb === 'create') throw new TransientError('Unavailable', 'the server is busy');
    };
    await world.failure();
    const before = await world.condition();
    world.passTime(60_000);
    await world.failure();
    expect(await world.condition()).toEqual(before);
    expect(world.writes.map(({ verb }) => verb)).not.toContain('applyStatus');
  });

  test('a selector that could not be looked at deletes nothing, and is tried again', async () => {
    await fleetOf(numbered(3));
    await world.apply(setOf([...clusters(), { repositories: [{ name: 'other' }] }]));
    await world.reconcile();
    world.onList = () => {
      throw new TransientError('Unreachable', 'connection refused');
    };
    expect(await world.failure()).toMatchObject({ reason: 'Unreachable' });
    expect((await world.variants()).filter(({ metadata }) => metadata.deletionTimestamp)).toEqual([]);
    expect((await world.set()).status?.summary).toMatchObject({ retained: 3 });
  });

  test('16.173: a kind that is not served is told, and its variants stay', async () => {
    await fleetOf(numbered(3));
    await world.apply(setOf(clusters()));
    await world.reconcile();
    world.onList = () => {
      throw new TerminalError('NoMatchingTargets', 'infra.example.com/v1 Cluster is not served');
    };
    await world.reconcile();
    expect((await world.set()).status?.targets?.[0]).toMatchObject({ reason: 'NoMatchingTargets' });
    expect((await world.variants()).filter(({ metadata }) => metadata.deletionTimestamp)).toEqual([]);
  });

  test('writes go out several at a time, but not all at once', async () => {
    await fleetOf(numbered(100));
    await world.apply(setOf(clusters()));
    await world.reconcile();
    expect(await world.names()).toHaveLength(100);
    expect(world.mostAtOnce).toBeGreaterThan(4);
    expect(world.mostAtOnce).toBeLessThanOrEqual(16);
  });
});

describe('deletions', () => {
  const going = async () => (await world.variants()).filter(({ metadata }) => metadata.deletionTimestamp).length;

  test('an object that goes takes its variant along', async () => {
    await fleetOf(['a', 'b']);
    await world.apply(setOf(clusters()));
    await world.reconcile();
    await drop(['a']);
    await world.reconcile();
    await world.finalize();
    expect(await world.names()).toEqual(['my-pvs-b-foo']);
  });

  test('16.172, W-26: 0 selected after 100 keeps all of them until it is confirmed', async () => {
    await fleetOf(numbered(100));
    await world.apply(setOf(clusters()));
    await world.reconcile();
    await world.settle();
    await drop(numbered(100));
    await world.reconcile();
    expect(await going()).toBe(0);
    expect(await world.condition()).toMatchObject({ status: 'False', reason: 'DeletionsRetained' });
    expect(await world.condition('DeletionsRetained')).toMatchObject({ status: 'True', reason: 'DeletionGuard' });
    const { deletions, summary } = (await world.set()).status ?? {};
    expect(summary).toMatchObject({ desired: 0, retained: 100 });
    expect(world.events).toEqual([expect.stringMatching(/^DeletionsRetained: /)]);

    await world.apply(setOf(clusters(), {}, annotated(deletions?.token ?? '')));
    await world.reconcile();
    expect(await going()).toBe(100);
    expect(world.events.at(-1)).toBe('VariantsDeleted: 100 variants that are not wanted any more were deleted');
    await world.finalize();
    await world.reconcile();
    expect(await world.names()).toEqual([]);
    expect(await world.condition('DeletionsRetained')).toBeUndefined();
  });

  test('a selection that comes back needs no confirmation', async () => {
    await fleetOf(numbered(20));
    await world.apply(setOf(clusters()));
    await world.reconcile();
    await world.settle();
    await drop(numbered(20));
    await world.reconcile();
    await fleetOf(numbered(20));
    await world.reconcile();
    expect(await going()).toBe(0);
    expect(await world.condition()).toMatchObject({ status: 'True', reason: 'AllReady' });
    expect((await world.set()).status).not.toHaveProperty('deletions');
  });

  test('nothing goes while a target cannot be read, since it may want what seems unwanted', async () => {
    await fleetOf(['a', 'b', 'c'], { zone: 'z' });
    await world.apply(setOf(clusters({ labelExprs: [{ key: 'zone', valueExpr: 'target.labels.zone' }] })));
    await world.reconcile();
    await world.apply(clusterOf('b'));
    await drop(['a']);
    await world.reconcile();
    expect(await going()).toBe(0);
    await world.apply(clusterOf('b', { zone: 'z' }));
    await world.reconcile();
    expect(await going()).toBe(1);
  });

  test('a grace period is waited for', async () => {
    await fleetOf(['a', 'b']);
    await world.apply(setOf(clusters(), { deletionGuard: { gracePeriod: '10m', maxDeletions: 5 } }));
    await world.reconcile();
    await world.settle();
    await drop(['a']);
    expect(await world.reconcile()).toEqual({ requeueAfterMs: 600_000 });
    expect(await world.condition()).toMatchObject({ status: 'Unknown', reason: 'DeletionsPending' });
    world.passTime(600_000);
    await world.reconcile();
    expect(await going()).toBe(1);
  });

  function annotated(value: string): Partial<ObjectMeta> {
    return { annotations: { [CONFIRM]: value } };
  }
});

describe('a rollout', () => {
  const template = (version: string): Template => ({ labels: { version } });
  const versions = async (version: string) =>
    (await world.variants())
      .filter(({ spec }) => spec.labels?.version === version)
      .map(({ metadata }) => metadata.name);

  async function rolledOut(rollout: Rollout): Promise<void> {
    for (const name of numbered(6)) {
      const labels: Record<string, string> = name < 'c002' ? { ring: 'canary' } : {};
      await world.apply(clusterOf(name, labels), repositoryOf(name));
    }
    await world.apply(setOf(clusters(template('1'))));
    await world.reconcile();
    await world.settle();
    await world.apply(setOf(clusters(template('2')), { rollout }));
    await world.reconcile();
  }

  const waves = [{ name: 'canary', selector: { matchLabels: { ring: 'canary' } } }];

  test('goes wave by wave, no more than so many at a time', async () => {
    await rolledOut({ waves, maxConcurrent: 2 });
    expect(await versions('2')).toEqual(['my-pvs-c000-foo', 'my-pvs-c001-foo']);
    await world.reconcile();
    expect(await versions('2')).toHaveLength(2);
    await world.settle('Ready', ({ metadata }) => metadata.name.includes('c000'));
    await world.reconcile();
    expect(await versions('2')).toHaveLength(2);
    expect((await world.set()).status?.rollout).toEqual({
      state: 'Progressing',
      waves: [
        { name: 'canary', state: 'Progressing', desired: 2, updated: 2, ready: 1, failed: 0 },
        { name: 'others', state: 'Waiting', desired: 4, updated: 0, ready: 0, failed: 0 },
      ],
    });
    expect((await world.set()).status?.summary).toMatchObject({ desired: 6, ready: 1, progressing: 1, waiting: 4 });
    for (const done of [4, 6]) {
      await world.settle();
      await world.reconcile();
      expect(await versions('2')).toHaveLength(done);
    }
    await world.settle();
    await world.reconcile();
    expect(await world.condition()).toMatchObject({ status: 'True', reason: 'AllReady' });
    expect((await world.set()).status?.rollout?.state).toBe('Complete');
  });

  test('stops at failures, tells so, and goes on when they are mended', async () => {
    await rolledOut({ waves });
    await world.settle('Failed');
    await world.settle('Ready', ({ metadata }) => metadata.name.includes('c001'));
    await world.reconcile();
    expect(await versions('2')).toHaveLength(2);
    expect(await world.condition()).toMatchObject({ status: 'False', reason: 'RolloutStopped' });
    await world.settle();
    await world.reconcile();
    expect(await versions('2')).toHaveLength(6);
  });

  test('pauses after a wave, and goes on when the spec says so', async () => {
    await rolledOut({ waves, pauseAfter: 'canary' });
    await world.settle();
    await world.reconcile();
    expect(await versions('2')).toHaveLength(2);
    expect(await world.condition()).toMatchObject({ status: 'Unknown', reason: 'RolloutPaused' });
    await world.apply(setOf(clusters(template('2')), { rollout: { waves } }));
    await world.reconcile();
    expect(await versions('2')).toHaveLength(6);
  });

  test('waits for published packages where it is told to', async () => {
    await rolledOut({ waves, waitFor: 'Published' });
    await world.settle('Draft');
    await world.reconcile();
    expect(await versions('2')).toHaveLength(2);
    await world.settle();
    await world.reconcile();
    expect(await versions('2')).toHaveLength(6);
  });

  test('a new latest revision of the upstream goes out wave by wave as well', async () => {
    const upstream = { repo: 'blueprints', package: 'foo', revision: -1 };
    await world.apply(repositoryOf('blueprints'), revisionOf());
    for (const name of numbered(4)) {
      const labels: Record<string, string> = name < 'c001' ? { ring: 'canary' } : {};
      await world.apply(clusterOf(name, labels), repositoryOf(name));
    }
    await world.apply(setOf(clusters(), { upstream, rollout: { waves } }));
    for (let step = 0; step < 3; step++) {
      await world.reconcile();
      await world.settle();
    }
    const revisions = async () => (await world.variants()).map(({ spec }) => spec.upstream.revision);
    expect(await revisions()).toEqual([1, 1, 1, 1]);
    await world.apply(revisionOf({ revision: 2 }));
    await world.reconcile();
    expect(await revisions()).toEqual([2, 1, 1, 1]);
    expect((await world.set()).status?.rollout?.revision).toBe(2);
    await world.settle();
    await world.reconcile();
    expect(await revisions()).toEqual([2, 2, 2, 2]);
  });

  test('what is not wanted any more stays until what takes its place is there', async () => {
    await fleetOf(numbered(4));
    await world.apply(setOf(clusters()));
    await world.reconcile();
    await world.settle();
    await world.apply(
      setOf(clusters({ downstream: { package: 'bar' } }), {
        rollout: { maxConcurrent: 2 },
        deletionGuard: { percent: 100 },
      }),
    );
    await world.reconcile();
    expect((await world.variants()).filter(({ metadata }) => metadata.deletionTimestamp)).toEqual([]);
    for (let step = 0; step < 3; step++) {
      await world.settle();
      await world.reconcile();
      await world.finalize();
    }
    expect(await world.names()).toEqual(numbered(4).map((name) => `my-pvs-${name}-bar`));
  });
});

describe('a preview', () => {
  test('tells what would be made, changed and deleted, and writes none of it', async () => {
    await fleetOf(['a', 'b', 'c']);
    await world.apply(setOf(clusters({ labels: { version: '1' } })));
    await world.reconcile();
    const before = await world.variants();
    await drop(['a']);
    await fleetOf(['d']);
    await world.apply(setOf(clusters({ labels: { version: '2' } }), { mode: 'preview' }));
    await world.reconcile();
    expect(await world.variants()).toEqual(before);
    const place = (name: string) => ({ variant: `my-pvs-${name}-foo`, repo: name, package: 'foo' });
    const target = (name: string) => `spec.targets[0].objectSelector (Cluster ${name})`;
    expect((await world.set()).status?.preview).toEqual({
      create: 1,
      update: 2,
      delete: 1,
      unchanged: 0,
      changes: [
        { action: 'delete', ...place('a') },
        { action: 'update', ...place('b'), target: target('b'), fields: ['spec.labels.version'] },
        { action: 'update', ...place('c'), target: target('c'), fields: ['spec.labels.version'] },
        { action: 'create', ...place('d'), target: target('d') },
      ],
    });
    expect(await world.condition()).toMatchObject({
      reason: 'Preview',
      message: '1 variants would be made, 2 changed, 1 deleted, 0 are as wanted; nothing is written',
    });
    await world.apply(setOf(clusters({ labels: { version: '2' } })));
    await world.reconcile();
    await world.finalize();
    expect(await world.names()).toEqual(['b', 'c', 'd'].map((name) => `my-pvs-${name}-foo`));
    expect((await world.set()).status).not.toHaveProperty('preview');
  });

  test('what is previewed is bounded', async () => {
    await fleetOf(numbered(150));
    await world.apply(setOf(clusters(), { mode: 'preview' }));
    await world.reconcile();
    const { preview, targets } = (await world.set()).status ?? {};
    expect(preview).toMatchObject({ create: 150 });
    expect(preview?.changes).toHaveLength(100);
    expect(targets).toHaveLength(50);
  });
});

describe('status', () => {
  test('T-01, W-35: Ready only when every variant is, at its generation', async () => {
    await fleetOf(['a', 'b']);
    await world.apply(setOf(clusters({ labels: { version: '1' } })));
    await world.reconcile();
    expect(await world.condition()).toMatchObject({ status: 'Unknown', reason: 'VariantsNotReady' });
    expect(await world.condition('Reconciling')).toMatchObject({ status: 'True' });
    await world.settle('Ready', ({ metadata }) => metadata.name.includes('-a-'));
    await world.reconcile();
    expect(await world.condition()).toMatchObject({ status: 'Unknown', message: expect.stringContaining('1 of 2') });
    await world.settle();
    await world.reconcile();
    expect(await world.condition()).toMatchObject({ status: 'True', observedGeneration: 1 });
    expect(await world.condition('Reconciling')).toBeUndefined();
    await world.apply(setOf(clusters({ labels: { version: '2' } })));
    await world.reconcile();
    expect(await world.condition()).toMatchObject({ status: 'Unknown', observedGeneration: 2 });
  });

  test('T-07: ten reconciles without a change write nothing', async () => {
    await fleetOf(numbered(5));
    await world.apply(setOf(clusters()));
    await world.reconcile();
    await world.settle();
    await world.reconcile();
    for (let count = 0; count < 10; count++) {
      world.passTime(60_000);
      await world.reconcile();
      expect(world.writes).toEqual([]);
    }
  });

  test('a restored set has its variants again, under its new UID, without making or deleting any', async () => {
    await fleetOf(['a', 'b']);
    await world.apply(setOf(clusters()));
    await world.reconcile();
    const before = await world.variants();
    // As a backup tool does it: the variants come back as they were, with an owner that does not exist there.
    world = new SetWorld();
    await fleetOf(['a', 'b']);
    await world.apply(...before, setOf(clusters()));
    await world.reconcile();
    expect(world.writes.filter(({ verb }) => verb !== 'applyStatus').map(({ verb }) => verb)).toEqual([
      'patch',
      'patch',
    ]);
    const { uid } = (await world.set()).metadata;
    for (const variant of await world.variants()) {
      expect(variant.metadata.ownerReferences).toMatchObject([
        { kind: PACKAGE_VARIANT_SET.kind, uid, controller: true },
      ]);
      expect(variant.metadata.labels).toMatchObject({ 'config.porch.kpt.dev/packagevariantset': uid });
      expect(variant.metadata.deletionTimestamp).toBeUndefined();
    }
  });
});

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  PACKAGE_REVISION,
  PACKAGE_VARIANT,
  type PackageRevision,
  type PackageVariant,
  REPOSITORY,
} from '../../../src/api/kinds.ts';
import type { KubeObject } from '../../../src/api/object.ts';
import { type AuditEvent, AuditLog, writesIn } from '../../env/cluster/audit-log.ts';
import { type ControlPlane, startControlPlane } from '../../env/cluster/control-plane.ts';
import { installApi } from '../../env/cluster/install.ts';
import type { BareRepository } from '../../env/git/bare-repository.ts';
import {
  BLUEPRINT,
  porchRevisions,
  porchVariants,
  UPSTREAM_TAG,
  writePorchPackages,
} from '../../integration/variant/porch-fleet.ts';
import { isReady } from '../support/cluster.ts';
import type { RunningController } from '../support/operator.ts';
import { World } from './world.ts';

/** VERANDA_TAKEOVER_SIZE takes over a larger fleet, to see how long it takes. */
const SIZE = Number(process.env.VERANDA_TAKEOVER_SIZE ?? '200');
const NAMES = Array.from({ length: SIZE }, (_, index) => `shop-${String(index).padStart(4, '0')}`);
const CHANGED = NAMES.filter((_, index) => index % 20 === 7);
const PATIENCE_MS = 280_000;

describe(`${SIZE} settled variants that Porch made, in a cluster`, () => {
  let plane: ControlPlane;
  let world: World;
  let audit: AuditLog;
  let deployments: BareRepository;
  let operator: RunningController;
  let before: Map<string, string>;

  beforeAll(async () => {
    plane = await startControlPlane({ audit: true });
    await installApi(plane.kubeconfig);
    audit = new AuditLog(plane);
    world = await World.open(plane, 'takeover');
    const blueprints = await world.remote('blueprints', BLUEPRINT);
    await blueprints.git('tag', UPSTREAM_TAG, 'main');
    deployments = await world.remote('deployments');
    const commit = (await blueprints.refs()).get('refs/heads/main') ?? '';
    await writePorchPackages(deployments, NAMES, { repo: world.git.url('blueprints.git'), commit });
    await world.namespace.apply(world.repository('blueprints'), world.repository('deployments', { deployment: true }));
    const { namespace } = world;
    await namespace.apply(...porchVariants(NAMES).map(here));
    const uids = new Map((await namespace.list(PACKAGE_VARIANT)).map(({ metadata }) => [metadata.name, metadata.uid]));
    await namespace.apply(...porchRevisions(NAMES, (name) => uids.get(name) ?? '').map(here));
    before = await deployments.refs();
    operator = await world.operator();
    await untilSettled();
  }, 400_000);

  afterAll(async () => {
    await world?.close();
    await plane?.stop();
  }, 120_000);

  const here = (object: KubeObject): KubeObject => {
    const { namespace: _, ...metadata } = object.metadata;
    return { ...object, metadata };
  };

  const isPublished = (found: PackageVariant): boolean => isReady(found) && found.status?.phase === 'Published';

  async function untilSettled(isDone: (variant: PackageVariant) => boolean = isPublished): Promise<void> {
    const { namespace } = world;
    await namespace.until('variants are done', PACKAGE_VARIANT, (all) => all.every(isDone), PATIENCE_MS);
    await namespace.until('revisions are Ready', PACKAGE_REVISION, (all) => all.every(isReady), PATIENCE_MS);
    await namespace.until('repositories are Ready', REPOSITORY, (all) => all.every(isReady), PATIENCE_MS);
    await world.untilIdle(operator);
  }

  /** Revisions of the fleet's packages, without those that stand for the branch. */
  async function revisions(): Promise<readonly PackageRevision[]> {
    const all = await world.namespace.list(PACKAGE_REVISION);
    return all.filter(({ spec, status }) => spec.repository === 'deployments' && status?.revision !== -1);
  }

  /** Packages whose revisions were made or deleted, those of the branch apart; an apply that makes an object is a patch. */
  const madeOrDeleted = (events: readonly AuditEvent[]): readonly string[] =>
    events
      .filter(({ objectRef }) => objectRef?.resource === 'packagerevisions' && objectRef.subresource === undefined)
      .filter(({ verb, responseStatus }) => verb === 'delete' || responseStatus?.code === 201)
      .map(({ objectRef }) => objectRef?.name ?? '')
      .filter((name) => name.startsWith('deployments.') && !name.endsWith('.main'))
      .map((name) => name.split('.')[1] ?? '');

  test('are Ready without a draft, a commit or a push', async () => {
    const events = await audit.read();
    expect(events).not.toEqual([]);
    expect(madeOrDeleted(events)).toEqual([]);
    expect(await deployments.refs()).toEqual(before);
    expect(world.git.requests.push).toBe(0);
    const found = await revisions();
    expect(found.map(({ spec }) => spec.packageName).sort()).toEqual(NAMES);
    expect(new Set(found.map(({ spec, status }) => `${spec.lifecycle} ${status?.observedLifecycle}`))).toEqual(
      new Set(['Published Published']),
    );
    await deployments.fsck();
  });

  test('an operator that starts anew, without its mirrors, writes nothing at all', async () => {
    await operator.stop();
    await audit.read();
    operator = await world.operator({ label: 'second' });
    await untilSettled();
    expect(writesIn(await audit.read())).toEqual([]);
    expect(await deployments.refs()).toEqual(before);
    expect(world.git.requests.push).toBe(0);
  }, 300_000);

  test('with another value for some of them only their drafts are written', async () => {
    await audit.read();
    const regions = Object.fromEntries(CHANGED.map((name) => [name, 'south']));
    await world.namespace.apply(...porchVariants(NAMES, regions).map(here));
    await untilSettled((variant) =>
      CHANGED.includes(variant.metadata.name)
        ? variant.status?.phase === 'Draft' && isReady(variant)
        : isPublished(variant),
    );
    const events = await audit.read();
    expect([...madeOrDeleted(events)].sort()).toEqual(CHANGED);
    const others = writesIn(events).filter((write) => !CHANGED.some((name) => write.includes(name)));
    // The revisions that they are made from list who was made from them; repositories, what they hold.
    const isAtSource = (write: string) =>
      /^patch (packagerevisions\/blueprints\.|repositories\/).*\/status$/.test(write);
    expect(others.filter((write) => !isAtSource(write))).toEqual([]);
    const after = await deployments.refs();
    const added = [...after.keys()].filter((ref) => !before.has(ref));
    expect(added.map((ref) => ref.split('/')[3]).sort()).toEqual(CHANGED);
    for (const [ref, commit] of before) expect(after.get(ref)).toBe(commit);
    await deployments.fsck();
  }, 300_000);
});

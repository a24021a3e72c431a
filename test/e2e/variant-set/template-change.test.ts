import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  PACKAGE_REVISION,
  PACKAGE_VARIANT_SET,
  type PackageRevision,
  type PackageVariantSet,
} from '../../../src/api/kinds.ts';
import { type AuditEvent, AuditLog, writesIn } from '../../env/cluster/audit-log.ts';
import { type ControlPlane, startControlPlane } from '../../env/cluster/control-plane.ts';
import { installApi } from '../../env/cluster/install.ts';
import type { BareRepository } from '../../env/git/bare-repository.ts';
import { isReady } from '../support/cluster.ts';
import type { RunningController } from '../support/operator.ts';
import { World } from '../variants/world.ts';

/** VERANDA_TEMPLATE_SIZE changes the template of a larger set, to see how long it takes. */
const SIZE = Number(process.env.VERANDA_TEMPLATE_SIZE ?? '100');
const NAMES = Array.from({ length: SIZE }, (_, index) => `shop-${String(index).padStart(4, '0')}`);
const CHANGED = NAMES.filter((name) => name.endsWith('7'));
const PATIENCE_MS = 280_000;

const KPTFILE = 'apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: web\n';

/** @param site label of a tenth of the packages @param team label of all */
const set = (site: string, team: string): PackageVariantSet => ({
  apiVersion: PACKAGE_VARIANT_SET.apiVersion,
  kind: PACKAGE_VARIANT_SET.kind,
  metadata: { name: 'fleet' },
  spec: {
    upstream: { repo: 'blueprints', package: 'web', workspaceName: 'main' },
    targets: [
      {
        repositories: [{ name: 'deployments', packageNames: NAMES }],
        template: {
          labels: { team },
          labelExprs: [{ key: 'site', valueExpr: `target.package.endsWith('7') ? '${site}' : 'core'` }],
        },
      },
    ],
  },
});

describe(`16.175: one label of the template of a set with ${SIZE} targets`, () => {
  let plane: ControlPlane;
  let world: World;
  let audit: AuditLog;
  let operator: RunningController;
  let deployments: BareRepository;
  let refs: ReadonlyMap<string, string>;
  let drafts: ReadonlyMap<string, string>;

  beforeAll(async () => {
    plane = await startControlPlane({ audit: true });
    await installApi(plane.kubeconfig);
    audit = new AuditLog(plane);
    world = await World.open(plane, 'template');
    await world.remote('blueprints', { 'web/Kptfile': KPTFILE });
    deployments = await world.remote('deployments');
    await world.namespace.apply(world.repository('blueprints'), world.repository('deployments'));
    operator = await world.operator();
    await apply('edge', 'net');
    refs = await deployments.refs();
    const made = await world.namespace.list(PACKAGE_REVISION);
    const own = made.filter(({ status }) => status?.observedLifecycle === 'Draft');
    drafts = new Map(own.map(({ metadata, spec }) => [spec.packageName, metadata.name]));
  }, 400_000);

  afterAll(async () => {
    await world?.close();
    await plane?.stop();
  }, 120_000);

  /** Waits until the set is Ready, and every draft bears its labels; returns what the operator has asked the API server for. */
  async function apply(site: string, team: string): Promise<readonly AuditEvent[]> {
    const { namespace } = world;
    await audit.read();
    await namespace.apply(set(site, team));
    const isDone = (found: PackageVariantSet) => isReady(found) && found.status?.summary?.ready === SIZE;
    await namespace.until('the set is Ready', PACKAGE_VARIANT_SET, ([only]) => !!only && isDone(only), PATIENCE_MS);
    const labelsOf = (name: string) => ({ team, site: name.endsWith('7') ? site : 'core' });
    await namespace.until(
      'drafts bear the labels',
      PACKAGE_REVISION,
      (all) => {
        const own = all.filter(({ status }) => status?.observedLifecycle === 'Draft');
        const isLabelled = ({ metadata, spec }: PackageRevision) => {
          const wanted = labelsOf(spec.packageName);
          return metadata.labels?.team === wanted.team && metadata.labels.site === wanted.site;
        };
        return own.length === SIZE && own.every(isLabelled);
      },
      PATIENCE_MS,
    );
    await world.untilIdle(operator);
    return audit.read();
  }

  /** What one change writes beside the status of the set: variant and draft of each of these packages, once each, and that the variant knows. */
  const expected = (names: readonly string[]): readonly string[] =>
    names.flatMap((name) => [
      `patch packagerevisions/${drafts.get(name)}`,
      `patch packagevariants/fleet-deployments-${name}`,
      `patch packagevariants/fleet-deployments-${name}/status`,
    ]);

  test.each<[string, readonly string[], string, string]>([
    ['of a tenth of them is written to these', CHANGED, 'far', 'net'],
    ['of all is written to all', NAMES, 'far', 'sre'],
    ['that is the same is written to none', [], 'far', 'sre'],
  ])(
    '%s, once each, and nothing to git',
    async (_what, names, site, team) => {
      const { push } = world.git.requests;
      const writes = writesIn(await apply(site, team));
      const isOfSet = (write: string) => write === 'patch packagevariantsets/fleet/status';
      expect(writes.filter((write) => !isOfSet(write)).sort()).toEqual([...expected(names)].sort());
      expect(writes.filter(isOfSet).length).toBeLessThanOrEqual(names.length);
      expect(world.git.requests.push).toBe(push);
      expect(await deployments.refs()).toEqual(refs);
    },
    300_000,
  );
});

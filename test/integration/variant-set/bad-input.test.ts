import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PACKAGE_VARIANT_SET, type PackageVariantSet } from '../../../src/api/kinds.ts';
import { findCondition } from '../../../src/kube/conditions.ts';
import type { BareRepository } from '../../env/git/bare-repository.ts';
import { LocalFleet, type RunningFleet } from '../fleet/local-fleet.ts';

const KPTFILE = 'apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: web\n';
const POINT =
  'apiVersion: infra.example.com/v1\nkind: Cluster\nmetadata:\n  name: site\n  annotations:\n    kpt.dev/config-injection: required\nspec: {}\n';

const GROUP = 'infra.example.com';
const selector = { apiVersion: `${GROUP}/v1`, kind: 'Cluster', matchLabels: { role: 'edge' } };
/** Ten to the power of nine steps. */
const ENDLESS = `${'[0,1,2,3,4,5,6,7,8,9].all(x, '.repeat(9)}true${')'.repeat(9)}`;
const MEGABYTES = 'x'.repeat(2_000_000);
/** With `-web` the longest name that a package may have. */
const LONGEST = `c-${'x'.repeat(57)}`;

interface Site {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: Readonly<Record<string, unknown>>;
}

const cluster = ({ name, labels, spec }: Site) => ({
  apiVersion: `${GROUP}/v1`,
  kind: 'Cluster',
  metadata: { name, labels: { role: 'edge', ...labels } },
  spec,
});

function good(name: string): Site {
  return { name, labels: { site: `s-${name}` }, spec: { zone: 'z1', package: `${name}-web` } };
}

const saying = (words: string) => expect.stringContaining(words);
const numbered = (index: number) => `c${String(index).padStart(3, '0')}`;

/** A hundred targets, each good but for what is said here. */
function hundred(): readonly Site[] {
  const sites = Array.from({ length: 100 }, (_, index) => good(numbered(index)));
  const put = (index: number, change: (site: Site) => Site): void => {
    sites[index] = change(good(numbered(index)));
  };
  for (const index of [10, 20, 30]) put(index, (site) => ({ ...site, labels: {} }));
  put(40, (site) => ({ ...site, spec: { ...site.spec, endless: true } }));
  put(50, (site) => ({ ...site, spec: { ...site.spec, zone: ['z1', 'z2'] } }));
  put(61, (site) => ({ ...site, spec: { ...site.spec, package: 'c060-web' } }));
  put(70, () => good(LONGEST));
  put(71, () => good(`${LONGEST}y`));
  put(80, (site) => ({ ...site, spec: { ...site.spec, blob: MEGABYTES } }));
  return sites;
}

const set = {
  apiVersion: PACKAGE_VARIANT_SET.apiVersion,
  kind: PACKAGE_VARIANT_SET.kind,
  metadata: { name: 'web' },
  spec: {
    upstream: { repo: 'blueprints', package: 'web', workspaceName: 'main' },
    targets: [
      {
        objectSelector: selector,
        template: {
          downstream: { repo: 'deployments', packageExpr: 'target.spec.package' },
          approval: { policy: 'Always' },
          labelExprs: [{ key: 'site', valueExpr: 'target.labels.site' }],
          annotationExprs: [
            { key: 'zone', valueExpr: 'target.spec.zone' },
            { key: 'effort', valueExpr: `has(target.spec.endless) && ${ENDLESS} ? 'much' : 'little'` },
          ],
          injectors: [{ group: GROUP, kind: 'Cluster', nameExpr: 'target.name' }],
        },
      },
    ],
  },
};

describe('bad input among a hundred targets', () => {
  let folder: string;
  let place: LocalFleet;
  let fleet: RunningFleet;
  let deployments: BareRepository;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'veranda-bad-input-'));
    place = new LocalFleet(folder);
    const blueprints = await place.empty('blueprints');
    await blueprints.commit('main', { 'web/Kptfile': KPTFILE, 'web/site.yaml': POINT });
    deployments = await place.empty('deployments');
    await place.register([{ name: 'blueprints' }, { name: 'deployments' }]);
    await place.write('clusters', hundred().map(cluster));
    await place.write('set', [set]);
    fleet = place.open();
    await fleet.settle();
  }, 180_000);

  afterAll(async () => {
    await fleet?.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }, 60_000);

  async function setNow(): Promise<PackageVariantSet> {
    const [found] = await fleet.operator.list(PACKAGE_VARIANT_SET);
    if (!found) throw new Error('the set is not there');
    return found;
  }

  const ready = async () => findCondition((await setNow()).status?.conditions, 'Ready');
  const tags = async () =>
    [...(await deployments.refs()).keys()].filter((ref) => ref.startsWith('refs/tags/')).map((ref) => ref.slice(10));

  test('every target is reported by itself, and all others are published', async () => {
    const { status } = await setNow();
    expect(status?.summary).toEqual({ desired: 100, ready: 93, progressing: 0, failed: 7 });
    const failed = (status?.targets ?? []).filter((target) => !target.ready);
    const site = (name: string) => `spec.targets[0].objectSelector (Cluster ${name})`;
    const path = 'spec.targets[0].template';
    expect(failed.map(({ target, reason, message }) => [target, reason, message])).toEqual([
      ...['c010', 'c020', 'c030'].map((name) => [
        site(name),
        'ExpressionFailed',
        saying(`${path}.labelExprs[0].valueExpr: `),
      ]),
      [site('c040'), 'ExpressionFailed', saying(`${path}.annotationExprs[1].valueExpr: it costs more than`)],
      [site('c050'), 'ExpressionFailed', saying(`${path}.annotationExprs[0].valueExpr: it gives a list`)],
      [site('c061'), 'DuplicateTarget', saying('deployments/c060-web is the downstream of')],
      [site(`${LONGEST}y`), 'InvalidName', saying(`${LONGEST}y-web`)],
    ]);
    const expected = hundred()
      .filter((_, index) => ![10, 20, 30, 40, 50, 61, 71].includes(index))
      .map(({ spec }) => `${String(spec.package)}/v1`);
    expect([...(await tags())].sort()).toEqual(expected.sort());
    expect(await ready()).toMatchObject({ status: 'False', reason: 'TargetsFailed' });
  });

  test('an object of 2 MB is injected as it is, and stays out of every status', async () => {
    expect(await deployments.git('show', 'c080-web/v1:c080-web/site.yaml')).toContain(MEGABYTES);
    const objects = [...(await fleet.variants()), ...(await fleet.revisions()), await setNow()];
    const sizes = objects.map((object) => JSON.stringify(object).length);
    expect(Math.max(...sizes)).toBeLessThan(64_000);
  });

  test('0 targets after a hundred: all packages stay, and what lets them go is told', async () => {
    const before = await deployments.refs();
    const retired = hundred().map((site) => cluster({ ...site, labels: { ...site.labels, role: 'retired' } }));
    await place.write('clusters', retired);
    await fleet.settle();
    // That of the name that is too long is there as well, and can do nothing.
    expect(await fleet.variants()).toHaveLength(94);
    expect(await deployments.refs()).toEqual(before);
    const { status } = await setNow();
    expect(status?.summary).toMatchObject({ desired: 0, retained: 94 });
    expect(await ready()).toMatchObject({
      status: 'False',
      reason: 'DeletionsRetained',
      message: saying(`veranda.dev/confirm-deletions: "${status?.deletions?.token}"`),
    });
  });
});

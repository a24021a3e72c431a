import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { findCondition } from '../../../src/kube/conditions.ts';
import type { BareRepository } from '../../env/git/bare-repository.ts';
import { type GitCall, GitCalls } from './git-calls.ts';
import { LocalFleet, type RunningFleet } from './local-fleet.ts';

const VARIANTS = 500;
const NAMES = Array.from({ length: VARIANTS }, (_, index) => `shop-${String(index).padStart(3, '0')}`);
const POLICIES = ['Manual', 'Initial'] as const;

const BLUEPRINT = {
  'web/Kptfile':
    'apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: web\npipeline:\n  mutators:\n    - image: set-labels:v0.2.0\n      configMap:\n        app: shop\n',
  'web/service.yaml': 'apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  ports:\n    - port: 80\n',
  'other/Kptfile': 'apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: other\n',
};

/** What happened in one step, counted. */
interface Work {
  readonly reconciles: Readonly<Record<string, number>>;
  readonly calls: readonly GitCall[];
  readonly commits: number;
}

describe.each(POLICIES)(
  'a settled fleet of 500 variants with approval %s: work is in proportion to the change',
  (policy) => {
    let folder: string;
    let upstream: BareRepository;
    let downstream: BareRepository;
    let place: LocalFleet;
    let fleet: RunningFleet;
    const git = new GitCalls();
    const reconciles = new Map<string, number>();
    const changed = NAMES[321] ?? '';

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'veranda-proportional-'));
      place = new LocalFleet(folder);
      upstream = await place.empty('blueprints');
      await upstream.commit('main', BLUEPRINT);
      downstream = await place.empty('deployments');
      await register('');
      await write({});
      const reconciled = (controller: string): void => {
        reconciles.set(controller, (reconciles.get(controller) ?? 0) + 1);
      };
      fleet = place.open({ open: git.open, metrics: { activeWorkers: () => undefined, reconciled } });
      await fleet.settle();
    }, 240_000);

    afterAll(async () => {
      await fleet.stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    });

    /** A new description makes the operator look at both remotes again. */
    function register(description: string): Promise<void> {
      return place.register([
        { name: 'blueprints', description },
        { name: 'deployments', description, deployment: true },
      ]);
    }

    function write(regions: Readonly<Record<string, string>>): Promise<void> {
      return place.write(
        'variants',
        NAMES.map((name) => ({
          apiVersion: 'config.porch.kpt.dev/v1alpha1',
          kind: 'PackageVariant',
          metadata: { name },
          spec: {
            upstream: { repo: 'blueprints', package: 'web', workspaceName: 'main' },
            downstream: { repo: 'deployments', package: name },
            packageContext: { data: { region: regions[name] ?? 'north' } },
            approval: { policy },
          },
        })),
      );
    }

    const commits = async (): Promise<number> => Number(await downstream.git('rev-list', '--all', '--count'));
    const refs = async (): Promise<readonly string[]> =>
      [...(await downstream.refs())].map((ref) => ref.join(' ')).sort();

    async function workOf(change: () => Promise<unknown>): Promise<Work> {
      const before = await commits();
      git.take();
      reconciles.clear();
      await change();
      await fleet.settle();
      return { reconciles: Object.fromEntries(reconciles), calls: git.take(), commits: (await commits()) - before };
    }

    const callsOf = ({ calls }: Work, method: string): readonly GitCall[] =>
      calls.filter((call) => call.method === method);

    test('all variants have what they ask for', async () => {
      const variants = await fleet.variants();
      expect(variants).toHaveLength(VARIANTS);
      const notReady = variants.filter(({ status }) => findCondition(status?.conditions, 'Ready')?.status !== 'True');
      expect(notReady).toEqual([]);
      const phases = new Set(variants.map(({ status }) => status?.phase));
      expect([...phases]).toEqual([policy === 'Initial' ? 'Published' : 'Draft']);
    });

    test('no change is no work', async () => {
      expect(await workOf(() => write({}))).toEqual({ reconciles: {}, calls: [], commits: 0 });
    });

    test('the head of the upstream branch moves without the package: nobody reads or writes it', async () => {
      await upstream.commit('main', { ...BLUEPRINT, 'other/note.txt': 'new\n' });
      const work = await workOf(() => register('look again'));
      expect(work.commits).toBe(0);
      // Both remotes are looked at, and the head of the one package that has changed.
      expect(work.reconciles).toEqual({ repository: 2, packagerevision: 1 });
      expect(callsOf(work, 'repository.read')).toEqual([]);
      expect(callsOf(work, 'store.push')).toEqual([]);
    });

    test('one changed variant is one commit, and work on no package but its own', async () => {
      const before = await refs();
      const work = await workOf(() => write({ [changed]: 'south' }));
      // What is published is compared with the new inputs before a draft is made of it.
      const reads = policy === 'Initial' ? [changed, changed] : [changed];
      expect(callsOf(work, 'repository.read').map(({ args }) => args[1])).toEqual(reads);
      expect(work.commits).toBe(1);
      expect(callsOf(work, 'store.push')).toHaveLength(1);
      // The variant asks, waits and sees what came of it; none of the other 499 is looked at. A new revision is also told
      // to the one that it was made from.
      expect(work.reconciles).toEqual({ packagerevision: expect.any(Number), packagevariant: expect.any(Number) });
      expect(work.reconciles.packagerevision).toBeLessThanOrEqual(reads.length + 1);
      expect(work.reconciles.packagevariant).toBeLessThanOrEqual(2 * reads.length + 1);
      const after = await refs();
      expect(before.filter((ref) => !after.includes(ref)).length).toBeLessThanOrEqual(1);
      expect(after.filter((ref) => !before.includes(ref))).toEqual([
        expect.stringMatching(`^refs/heads/drafts/${changed}/`),
      ]);
    });

    test('the remote is sound', () => downstream.fsck());
  },
);

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PACKAGE_REVISION, PACKAGE_VARIANT, type PackageVariant, REPOSITORY } from '../../../src/api/kinds.ts';
import type { KubeObject } from '../../../src/api/object.ts';
import type { ControlPlane } from '../../env/cluster/control-plane.ts';
import { grant } from '../support/access.ts';
import { conditionOf, isReady } from '../support/cluster.ts';
import type { RunningController } from '../support/operator.ts';
import { waitFor } from '../support/wait-for.ts';
import { World } from './world.ts';

export const NAMES = Array.from({ length: 100 }, (_, index) => `web-${String(index).padStart(2, '0')}`);
/** Their drafts stay drafts for a time before they are approved. */
const DELAYED = NAMES.slice(0, 20);
const DELAY = '20s';
const SECRET = 'git-auth';
const PASSWORD = 'of-the-fleet';
const TARGET = 'deployments';
const PATIENCE_MS = 150_000;

/** Each ref of the remote with the files that it has, in order. */
export type GitState = readonly { readonly ref: string; readonly content: string }[];

/** A hundred variants of one package in one repository with credentials, whose policy approves each revision. */
export class ChaoticFleet {
  readonly world: World;
  readonly #mirrors: string;

  private constructor(world: World, mirrors: string) {
    this.world = world;
    this.#mirrors = mirrors;
  }

  static async open(plane: ControlPlane): Promise<ChaoticFleet> {
    const world = await World.open(plane, 'chaos');
    world.git.auth = { kind: 'basic', username: 'fleet', password: PASSWORD };
    await grant(world.namespace, 'credentials', [
      { apiGroups: [''], resources: ['secrets'], resourceNames: [SECRET], verbs: ['get', 'watch'] },
    ]);
    const blueprints = await world.remote('blueprints', BLUEPRINT);
    await blueprints.git('tag', 'web/v1', 'main');
    await world.remote(TARGET);
    const fleet = new ChaoticFleet(world, await mkdtemp(join(tmpdir(), 'veranda-chaos-mirrors-')));
    await fleet.makeSecret();
    const git = { secretRef: { name: SECRET } };
    await world.namespace.apply(world.repository('blueprints', { git }));
    await world.namespace.apply(world.repository(TARGET, { git, deployment: true }));
    return fleet;
  }

  /** Each finds the mirror of the one before. */
  operator(label: string): Promise<RunningController> {
    return this.world.operator({ label, mirrors: this.#mirrors });
  }

  /** Applies all variants. @param others those that get other inputs */
  async begin(others: readonly string[] = []): Promise<void> {
    await this.world.untilRepositoriesAreReady(2);
    await this.world.namespace.apply(...NAMES.map((name) => variant(name, others.includes(name))));
  }

  /** Gives other inputs to variants. */
  async change(names: readonly string[]): Promise<void> {
    await this.world.namespace.apply(...names.map((name) => variant(name, true)));
  }

  async makeSecret(): Promise<void> {
    await this.world.namespace.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: SECRET },
      type: 'kubernetes.io/basic-auth',
      stringData: { username: 'fleet', password: PASSWORD },
    } as KubeObject);
  }

  async deleteSecret(): Promise<void> {
    const { client, name } = this.world.namespace;
    await client.json({ method: 'DELETE', path: `/api/v1/namespaces/${name}/secrets/${SECRET}` });
  }

  /** The repository says that its Secret is missing. */
  async untilSecretIsMissed(): Promise<void> {
    await this.world.namespace.until('the Secret is missed', REPOSITORY, (all) =>
      all.some((object) => conditionOf(object, 'Ready')?.reason === 'SecretNotFound'),
    );
  }

  /** Waits until the drafts of these variants wait for their approval. */
  async untilDraftsWait(names: readonly string[]): Promise<void> {
    const waits = ({ status }: PackageVariant) => status?.phase === 'Draft' && status.inputHash !== undefined;
    await this.#until('their drafts wait', names, waits);
  }

  /** Waits until so many packages are published in git. */
  async untilPublished(count: number): Promise<void> {
    const tags = async () => (await this.world.refs(TARGET)).filter((ref) => ref.startsWith('refs/tags/')).length;
    await waitFor(async () => (await tags()) >= count, { what: `${count} tags`, timeoutMs: PATIENCE_MS });
  }

  async untilRejected(names: readonly string[]): Promise<void> {
    await this.#until('they are rejected', names, ({ status }) => status?.phase === 'Rejected');
  }

  /** Every variant is published and every object Ready at its generation. */
  async untilSettled(): Promise<void> {
    const { namespace } = this.world;
    const isDone = (found: PackageVariant) => isReady(found) && found.status?.phase === 'Published';
    await namespace.until('all are published', PACKAGE_VARIANT, (all) => all.every(isDone), PATIENCE_MS);
    await namespace.until('revisions are Ready', PACKAGE_REVISION, (all) => all.every(isReady), PATIENCE_MS);
    await namespace.until('repositories are Ready', REPOSITORY, (all) => all.every(isReady), PATIENCE_MS);
  }

  /** Deletes the objects of drafts that are not approved. @returns their packages */
  async deleteDraftObjects(of: (pkg: string) => boolean): Promise<readonly string[]> {
    const { namespace } = this.world;
    const drafts = (await namespace.list(PACKAGE_REVISION)).filter(
      ({ spec }) => spec.repository === TARGET && spec.lifecycle === 'Draft' && of(spec.packageName),
    );
    for (const { metadata } of drafts) await namespace.store.delete(PACKAGE_REVISION, metadata);
    return drafts.map(({ spec }) => spec.packageName).sort();
  }

  /** Deletes branches of drafts at the remote, behind the operator's back. @returns their packages */
  async deleteDraftBranches(of: (pkg: string) => boolean, count = NAMES.length): Promise<readonly string[]> {
    const drafts = (await this.world.refs(TARGET)).filter((ref) => ref.startsWith('refs/heads/') && of(packageOf(ref)));
    const chosen = drafts.slice(0, count);
    for (const ref of chosen) await this.world.remoteOf(TARGET).git('update-ref', '-d', ref);
    return chosen.map(packageOf);
  }

  /** What is in git, without what differs between any two rollouts: workspaces, addresses, and the order of publication. */
  async gitState(): Promise<GitState> {
    const remote = this.world.remoteOf(TARGET);
    await remote.fsck();
    const refs = (await this.world.refs(TARGET)).map(comparable);
    const state = await Promise.all(
      NAMES.map(async (name) => {
        const ref = `refs/tags/${name}/v1`;
        const listing = await remote.git('ls-tree', '-r', '--format=%(objectmode) %(path)', ref, name);
        const files = await remote.git('grep', '-h', '-e', '', ref, '--', name);
        return { ref, content: comparable(`${listing}\n${files}`) };
      }),
    );
    const onMain = await remote.git('log', '--format=%s', 'main');
    const subjects = comparable(onMain).split('\n').sort().join('\n');
    return [...state, { ref: 'all', content: refs.join('\n') }, { ref: 'main', content: subjects }];
  }

  /** Names of the revisions that the API server knows. */
  async revisionNames(): Promise<readonly string[]> {
    const all = await this.world.namespace.list(PACKAGE_REVISION);
    return all.map(({ metadata, spec }) => `${comparable(metadata.name)} ${spec.lifecycle}`).sort();
  }

  async #until(what: string, names: readonly string[], wanted: (variant: PackageVariant) => boolean): Promise<void> {
    const areSo = (all: readonly PackageVariant[]) =>
      all.filter((found) => names.includes(found.metadata.name)).every(wanted);
    await this.world.namespace.until(`${what}: ${names.join()}`, PACKAGE_VARIANT, areSo, PATIENCE_MS);
  }

  async close(): Promise<void> {
    await this.world.close();
    await rm(this.#mirrors, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

function variant(name: string, hasOtherInputs: boolean): PackageVariant {
  const { apiVersion, kind } = PACKAGE_VARIANT;
  return {
    apiVersion,
    kind,
    metadata: { name },
    spec: {
      upstream: { repo: 'blueprints', package: 'web', revision: 1 },
      downstream: { repo: TARGET, package: name },
      packageContext: { data: { site: name, ...(hasOtherInputs ? { again: 'yes' } : {}) } },
      pipeline: { mutators: [{ image: 'set-annotations:v0.1.4', configMap: { instance: name } }] },
      approval: { policy: 'Always', ...(DELAYED.includes(name) ? { delay: DELAY } : {}) },
    },
  };
}

function packageOf(ref: string): string {
  return /\bweb-\d\d\b/.exec(ref)?.[0] ?? ref;
}

/** Workspaces are called by a hash that the namespace goes into; locks name the server. */
function comparable(text: string): string {
  return text
    .replaceAll(/\bpackagevariant-[0-9a-f]{10}\b/g, 'packagevariant-hash')
    .replaceAll(/127\.0\.0\.1:\d+/g, 'server');
}

const BLUEPRINT = {
  'web/Kptfile': `apiVersion: kpt.dev/v1
kind: Kptfile
metadata:
  name: web
pipeline:
  mutators:
    - image: set-labels:v0.2.0
      configMap:
        app: web
`,
  'web/config.yaml': `apiVersion: v1
kind: ConfigMap
metadata:
  name: web
data:
  key: value # the only one
`,
};

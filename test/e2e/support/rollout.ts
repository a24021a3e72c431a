import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  PACKAGE_REVISION,
  PACKAGE_VARIANT,
  type PackageVariant,
  REPOSITORY,
  type Repository,
} from '../../../src/api/kinds.ts';
import { type ApiProxy, startApiProxy } from '../../env/cluster/api-proxy.ts';
import type { ControlPlane } from '../../env/cluster/control-plane.ts';
import { BareRepository, type SeedFiles } from '../../env/git/bare-repository.ts';
import { type GitRequestKind, type GitServer, startGitServer } from '../../env/git/git-server.ts';
import { operatorKubeconfig, ownLease } from './access.ts';
import { isReady, makeNamespace, type TestNamespace } from './cluster.ts';
import { type RunningController, startController } from './operator.ts';
import { waitFor } from './wait-for.ts';

const SITES = ['east', 'west'] as const;
const PATIENCE_MS = 170_000;
/** Two replicas on a busy machine keep these. */
const LEASE = ['--lease-duration=14s', '--lease-renew-deadline=12s', '--lease-retry-period=1s'] as const;
/** The first drafts, so that those of later pushes are still to be published. */
const PUSHES_BEFORE_HOLD = 2;

/** `veranda controller --leader-elect`, and the way on which it reaches the API server. */
export interface Replica {
  readonly controller: RunningController;
  readonly proxy: ApiProxy;
}

export interface RolloutOptions {
  /** How many; two of three are published. */
  readonly variants: number;
  /** When the repositories are read again; see `spec.sync.schedule`. */
  readonly schedule?: string;
}

/** Each ref of the repositories with the files that it has, in order. */
export type GitState = readonly { readonly ref: string; readonly content: string }[];

/**
 * Variants of one package in two repositories, in a namespace of their own: two of three are published, the others wait for a person
 * as drafts. The package has two revisions, one after the other.
 */
export class Rollout {
  readonly namespace: TestNamespace;
  readonly variants: number;
  readonly #schedule: string | undefined;
  readonly #kubeconfig: string;
  readonly #root: string;
  readonly #blueprints: BareRepository;
  readonly #sites: ReadonlyMap<string, BareRepository>;
  readonly #replicas: Replica[] = [];
  #git: GitServer;

  private constructor(parts: {
    readonly namespace: TestNamespace;
    readonly options: RolloutOptions;
    readonly kubeconfig: string;
    readonly root: string;
    readonly git: GitServer;
    readonly blueprints: BareRepository;
    readonly sites: ReadonlyMap<string, BareRepository>;
  }) {
    this.namespace = parts.namespace;
    this.variants = parts.options.variants;
    this.#schedule = parts.options.schedule;
    this.#kubeconfig = parts.kubeconfig;
    this.#root = parts.root;
    this.#git = parts.git;
    this.#blueprints = parts.blueprints;
    this.#sites = parts.sites;
  }

  static async open(cluster: ControlPlane, options: RolloutOptions): Promise<Rollout> {
    const namespace = await makeNamespace(cluster.kubeconfig, 'chaos');
    const kubeconfig = await operatorKubeconfig(cluster, namespace);
    const root = await mkdtemp(join(tmpdir(), 'veranda-chaos-'));
    const git = await startGitServer({ root });
    const blueprints = await BareRepository.create(join(root, 'blueprints.git'));
    const sites = new Map<string, BareRepository>();
    for (const name of SITES) {
      const site = await BareRepository.create(join(root, `${name}.git`));
      await site.commit('main', { 'README.md': `What runs in ${name}.\n` });
      sites.set(name, site);
    }
    const rollout = new Rollout({ namespace, options, kubeconfig, root, git, blueprints, sites });
    await rollout.#publishBlueprint(1);
    await namespace.apply(...['blueprints', ...SITES].map((name) => rollout.#repository(name)));
    return rollout;
  }

  /** How often the git server was asked for each thing. */
  get gitRequests(): Readonly<Record<GitRequestKind, number>> {
    return { ...this.#git.requests };
  }

  /** Two, each with a way of its own to the API server. The first one leads. */
  async replicas(): Promise<readonly [Replica, Replica]> {
    const first = await this.#replica('first');
    await first.controller.logged('working', ({ message }) => message === 'working', PATIENCE_MS);
    return [first, await this.#replica('second')];
  }

  /** The first revision goes to all targets. */
  async begin(): Promise<void> {
    const ready = (all: readonly Repository[]) => all.length === 3 && all.every(isReady);
    await this.namespace.until('repositories are Ready', REPOSITORY, ready, PATIENCE_MS);
    await this.namespace.apply(...Array.from({ length: this.variants }, (_, index) => this.#variant(index)));
  }

  /** The package gets its second revision, and the operator is told. */
  async upgrade(): Promise<void> {
    await this.#publishBlueprint(2);
    const annotations = { 'veranda.dev/reconcile-at': 'second revision' };
    await this.namespace.patch(REPOSITORY, 'blueprints', { metadata: { annotations } });
  }

  /**
   * Starts something and resolves in the middle of it: some pushes are done, and from now on the git server holds them.
   * @returns lets them go on
   */
  async midway(start: () => Promise<void>): Promise<() => void> {
    const held = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    let pushes = 0;
    this.#git.fault = (kind) => {
      if (kind !== 'push' || ++pushes <= PUSHES_BEFORE_HOLD) return undefined;
      held.resolve();
      return { kind: 'delay', until: released.promise };
    };
    await start();
    const late = AbortSignal.timeout(PATIENCE_MS);
    late.addEventListener('abort', () => held.reject(new Error('no push that could be held')));
    await held.promise;
    return () => {
      this.#git.fault = () => undefined;
      released.resolve();
    };
  }

  /** How many variants are where they should be. */
  async settled(revision: number): Promise<number> {
    return (await this.namespace.list(PACKAGE_VARIANT)).filter((variant) => isSettled(variant, revision)).length;
  }

  /** Waits until more than `from` variants are where they should be. @returns milliseconds from `since` */
  async untilProgress(revision: number, since: number, from: number): Promise<number> {
    await waitFor(async () => (await this.settled(revision)) > from, {
      what: `more than ${from} variants have revision ${revision}`,
      timeoutMs: PATIENCE_MS,
    });
    return Date.now() - since;
  }

  /** Every variant has the revision, and every object is Ready at its generation. */
  async untilSettled(revision: number): Promise<void> {
    const { namespace } = this;
    await namespace.until(
      `variants have revision ${revision}`,
      PACKAGE_VARIANT,
      (all) => all.length === this.variants && all.every((variant) => isSettled(variant, revision)),
      PATIENCE_MS,
    );
    await namespace.until('revisions are Ready', PACKAGE_REVISION, (all) => all.every(isReady), PATIENCE_MS);
    await namespace.until('repositories are Ready', REPOSITORY, (all) => all.every(isReady), PATIENCE_MS);
  }

  /** What is in git, without what differs between any two rollouts: a tag stands for its package, since their order is free. */
  async gitState(): Promise<GitState> {
    const state: GitState[number][] = [];
    for (const [name, site] of this.#sites) {
      await site.fsck();
      for (const ref of (await site.refs()).keys()) {
        const path = /\b(web-\d\d)\//.exec(ref)?.[1] ?? '.';
        const listing = await site.git('ls-tree', '-r', '--format=%(objectmode) %(path)', ref, path);
        const files = await site.git('grep', '-h', '-e', '', ref, '--', path);
        state.push({ ref: `${name} ${comparable(ref)}`, content: comparable(`${listing}\n${files}`) });
      }
    }
    return state.sort((one, other) => (one.ref + one.content < other.ref + other.content ? -1 : 1));
  }

  /** Names of the revisions that the API server knows. */
  async revisionNames(): Promise<readonly string[]> {
    return (await this.namespace.list(PACKAGE_REVISION)).map(({ metadata }) => comparable(metadata.name)).sort();
  }

  /** The git server is away: nobody listens on its port, and pushes that it held are lost. @returns brings it back */
  async stopGit(): Promise<() => Promise<void>> {
    const { port } = this.#git;
    await this.#git.close();
    return async () => {
      this.#git = await startGitServer({ root: this.#root, port });
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#replicas.map(({ controller }) => controller.stop()));
    await Promise.all(this.#replicas.map(({ proxy }) => proxy.stop()));
    await this.#git.close();
    await this.namespace.close();
    await rm(this.#root, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  async #replica(label: string): Promise<Replica> {
    const proxy = await startApiProxy(this.#kubeconfig);
    const flags = [...ownLease(this.namespace), ...LEASE];
    const controller = await startController({ kubeconfig: proxy.kubeconfig, label, flags });
    const replica = { controller, proxy };
    this.#replicas.push(replica);
    return replica;
  }

  async #publishBlueprint(revision: number): Promise<void> {
    await this.#blueprints.commit('main', blueprint(revision));
    await this.#blueprints.git('tag', `web/v${revision}`, 'main');
  }

  #repository(name: string): Repository {
    const { apiVersion, kind } = REPOSITORY;
    const git = { repo: this.#git.url(`${name}.git`), branch: 'main' };
    const sync = this.#schedule === undefined ? undefined : { schedule: this.#schedule };
    return {
      apiVersion,
      kind,
      metadata: { name },
      spec: { type: 'git', deployment: name !== 'blueprints', git, sync },
    };
  }

  #variant(index: number): PackageVariant {
    const { apiVersion, kind } = PACKAGE_VARIANT;
    const name = `web-${String(index).padStart(2, '0')}`;
    const repo = SITES[index % SITES.length] ?? '';
    return {
      apiVersion,
      kind,
      metadata: { name },
      spec: {
        upstream: { repo: 'blueprints', package: 'web' },
        downstream: { repo, package: name },
        packageContext: { data: { site: repo } },
        pipeline: { mutators: [{ image: 'set-annotations:v0.1.4', configMap: { instance: name } }] },
        approval: { policy: isPublished(name) ? 'Always' : 'Manual' },
      },
    };
  }
}

/** Workspaces are called by a hash that the namespace goes into; locks name the server and commits. */
function comparable(text: string): string {
  return text
    .replaceAll(/\bpackagevariant-[0-9a-f]{10}\b/g, 'packagevariant-hash')
    .replaceAll(/127\.0\.0\.1:\d+/g, 'server')
    .replaceAll(/\b[0-9a-f]{40}\b/g, 'commit');
}

function isPublished(name: string): boolean {
  return Number(name.slice(-2)) % 3 !== 2;
}

function isSettled(variant: PackageVariant, revision: number): boolean {
  const { status } = variant;
  const phase = isPublished(variant.metadata.name) ? 'Published' : 'Draft';
  return isReady(variant) && status?.phase === phase && status.upstream?.revision === revision;
}

function blueprint(revision: number): SeedFiles {
  return {
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
  revision: "${revision}" # which one
`,
  };
}

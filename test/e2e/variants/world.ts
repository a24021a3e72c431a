import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  PACKAGE_REVISION,
  PACKAGE_VARIANT,
  type PackageRevision,
  type PackageVariant,
  REPOSITORY,
  type Repository,
} from '../../../src/api/kinds.ts';
import type { ControlPlane } from '../../env/cluster/control-plane.ts';
import { BareRepository, type SeedFiles } from '../../env/git/bare-repository.ts';
import { type GitServer, startGitServer } from '../../env/git/git-server.ts';
import { operatorKubeconfig } from '../support/access.ts';
import { isReady, makeNamespace, type TestNamespace } from '../support/cluster.ts';
import { type ControllerStart, type RunningController, startController } from '../support/operator.ts';
import { waitFor } from '../support/wait-for.ts';

const IDLE_MS = 120_000;

/** A namespace of a cluster, a git server with remotes, and operators with the rights of `config/rbac`, which work in that namespace only. */
export class World {
  readonly namespace: TestNamespace;
  readonly git: GitServer;
  readonly kubeconfig: string;
  readonly #root: string;
  readonly #remotes = new Map<string, BareRepository>();
  readonly #operators: RunningController[] = [];

  private constructor(parts: Pick<World, 'namespace' | 'git' | 'kubeconfig'> & { readonly root: string }) {
    this.namespace = parts.namespace;
    this.git = parts.git;
    this.kubeconfig = parts.kubeconfig;
    this.#root = parts.root;
  }

  static async open(cluster: Pick<ControlPlane, 'kubeconfig' | 'kubeconfigFor'>, prefix: string): Promise<World> {
    const namespace = await makeNamespace(cluster.kubeconfig, prefix);
    const kubeconfig = await operatorKubeconfig(cluster, namespace);
    const root = await mkdtemp(join(tmpdir(), `veranda-${prefix}-`));
    const git = await startGitServer({ root });
    return new World({ namespace, git, kubeconfig, root });
  }

  /** An empty remote but for a file on main. */
  async remote(name: string, files: SeedFiles = { 'README.md': `${name}\n` }): Promise<BareRepository> {
    const remote = await BareRepository.create(join(this.#root, `${name}.git`));
    await remote.commit('main', files);
    this.#remotes.set(name, remote);
    return remote;
  }

  /** A remote whose branch main holds a folder's files. */
  async remoteFrom(name: string, folder: string): Promise<BareRepository> {
    const remote = await BareRepository.fromDirectory(join(this.#root, `${name}.git`), folder);
    this.#remotes.set(name, remote);
    return remote;
  }

  remoteOf(name: string): BareRepository {
    const remote = this.#remotes.get(name);
    if (!remote) throw new Error(`there is no remote ${name}`);
    return remote;
  }

  /** A Repository object on the remote of its name. */
  repository(name: string, { deployment = false, git = {} } = {}): Repository {
    const { apiVersion, kind } = REPOSITORY;
    const at = { repo: this.git.url(`${name}.git`), branch: 'main', ...git };
    return { apiVersion, kind, metadata: { name }, spec: { type: 'git', deployment, git: at } };
  }

  /** One that works at once, without a lease. @param flags beside those for that */
  async operator(start: Partial<ControllerStart> = {}): Promise<RunningController> {
    const flags = ['--leader-elect=false', '--namespace', this.namespace.name, ...(start.flags ?? [])];
    const operator = await startController({ kubeconfig: this.kubeconfig, ...start, flags });
    this.#operators.push(operator);
    return operator;
  }

  /** No object is being worked on or waits for its turn. */
  async untilIdle(operator: RunningController): Promise<void> {
    const busy = async () =>
      (await operator.metric('workqueue_depth')) + (await operator.metric('controller_runtime_active_workers'));
    await waitFor(async () => (await busy()) === 0, { what: 'the operator is idle', timeoutMs: IDLE_MS });
  }

  async untilRepositoriesAreReady(count: number): Promise<void> {
    await this.namespace.until(
      'repositories are Ready',
      REPOSITORY,
      (all) => all.length === count && all.every(isReady),
    );
  }

  async variant(name: string): Promise<PackageVariant | undefined> {
    return await this.namespace.get(PACKAGE_VARIANT, name);
  }

  /** Waits until a variant is as wanted. */
  async untilVariant(
    what: string,
    name: string,
    wanted: (variant: PackageVariant) => boolean,
  ): Promise<PackageVariant> {
    const of = (all: readonly PackageVariant[]) => all.find(({ metadata }) => metadata.name === name);
    const all = await this.namespace.until(`${name}: ${what}`, PACKAGE_VARIANT, (found) => {
      const variant = of(found);
      return variant !== undefined && wanted(variant);
    });
    return of(all) as PackageVariant;
  }

  /** Revisions of a package, without the one that stands for the branch. */
  async revisions(pkg: string): Promise<readonly PackageRevision[]> {
    const all = await this.namespace.list(PACKAGE_REVISION);
    return all.filter(({ spec, status }) => spec.packageName === pkg && status?.revision !== -1);
  }

  /** Refs of a remote but main, sorted. */
  async refs(name: string): Promise<readonly string[]> {
    const refs = [...(await this.remoteOf(name).refs()).keys()].sort();
    return refs.filter((ref) => ref !== 'refs/heads/main');
  }

  async close(): Promise<void> {
    await Promise.all(this.#operators.map((operator) => operator.stop()));
    await this.git.close();
    await this.namespace.close();
    await rm(this.#root, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PACKAGE_REVISION, REPOSITORY, type Repository } from '../../../src/api/kinds.ts';
import type { ControlPlane } from '../../env/cluster/control-plane.ts';
import { type GitRequestKind, type GitServer, startGitServer } from '../../env/git/git-server.ts';
import { makeLargeRepository } from '../../env/git/large-repository.ts';
import { operatorKubeconfig, ownLease } from '../support/access.ts';
import { isReady, makeNamespace, type TestNamespace } from '../support/cluster.ts';
import { type RunningController, startController } from '../support/operator.ts';
import { waitFor } from '../support/wait-for.ts';

const NAME = 'large';
const PATIENCE_MS = 180_000;

/** A repository with many tags, in a namespace of its own, and an operator for it that keeps its mirrors. */
export class KnownRevisions {
  readonly namespace: TestNamespace;
  readonly #count: number;
  readonly #kubeconfig: string;
  readonly #root: string;
  readonly #git: GitServer;
  #operator: RunningController | undefined;

  private constructor(parts: {
    readonly namespace: TestNamespace;
    readonly count: number;
    readonly kubeconfig: string;
    readonly root: string;
    readonly git: GitServer;
  }) {
    this.namespace = parts.namespace;
    this.#count = parts.count;
    this.#kubeconfig = parts.kubeconfig;
    this.#root = parts.root;
    this.#git = parts.git;
  }

  static async open(plane: ControlPlane, count: number): Promise<KnownRevisions> {
    const namespace = await makeNamespace(plane.kubeconfig, 'known');
    const kubeconfig = await operatorKubeconfig(plane, namespace);
    const root = await mkdtemp(join(tmpdir(), 'veranda-known-'));
    await makeLargeRepository(join(root, 'git', `${NAME}.git`), count);
    const git = await startGitServer({ root: join(root, 'git') });
    return new KnownRevisions({ namespace, count, kubeconfig, root, git });
  }

  get gitRequests(): Readonly<Record<GitRequestKind, number>> {
    return { ...this.#git.requests };
  }

  /** All revisions are Ready objects, and the operator has nothing left to do. */
  async discover(): Promise<void> {
    const { apiVersion, kind } = REPOSITORY;
    const repository: Repository = {
      apiVersion,
      kind,
      metadata: { name: NAME },
      spec: { type: 'git', git: { repo: this.#git.url(`${NAME}.git`), branch: 'main' } },
    };
    await this.namespace.apply(repository);
    const operator = await this.#start();
    await this.namespace.until('the repository is Ready', REPOSITORY, (all) => all.every(isReady), PATIENCE_MS);
    const isDone = (all: readonly { readonly metadata: object }[]) => all.length >= this.#count;
    await this.namespace.until(
      'the revisions are Ready',
      PACKAGE_REVISION,
      (all) => isDone(all) && all.every(isReady),
      PATIENCE_MS,
    );
    await this.#untilIdle(operator);
  }

  /** Another process with the same mirrors; it has looked at every object and at git when this resolves. */
  async restart(): Promise<void> {
    await this.#operator?.stop();
    const operator = await this.#start();
    const seen = async (controller: string, count: number) =>
      (await operator.metric('controller_runtime_reconcile_total', { controller })) >= count;
    await waitFor(async () => (await seen('repository', 1)) && (await seen('packagerevision', this.#count)), {
      what: 'every object was reconciled',
      timeoutMs: PATIENCE_MS,
    });
    await this.#untilIdle(operator);
  }

  async close(): Promise<void> {
    await this.#operator?.stop();
    await this.#git.close();
    await this.namespace.close();
    await rm(this.#root, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  async #start(): Promise<RunningController> {
    const flags = ownLease(this.namespace);
    const mirrors = join(this.#root, 'mirrors');
    this.#operator = await startController({ kubeconfig: this.#kubeconfig, mirrors, flags, until: 'working' });
    return this.#operator;
  }

  async #untilIdle(operator: RunningController): Promise<void> {
    const work = async () =>
      (await operator.metric('workqueue_depth')) + (await operator.metric('controller_runtime_active_workers'));
    await waitFor(async () => (await work()) === 0, { what: 'no work is left', timeoutMs: PATIENCE_MS });
  }
}

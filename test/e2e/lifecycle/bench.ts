import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import type { PackageRevision, Repository } from '../../../src/api/kinds.ts';
import { RECONCILE_AT_ANNOTATION } from '../../../src/api/labels.ts';
import type { KubeObject } from '../../../src/api/object.ts';
import type { ControlPlane } from '../../env/cluster/control-plane.ts';
import { BareRepository } from '../../env/git/bare-repository.ts';
import { type GitServer, startGitServer } from '../../env/git/git-server.ts';
import { type Company, freshName, makeCompany, OPERATOR, type Person } from '../admission/support.ts';
import { conditionOf, isReady } from '../support/cluster.ts';
import { type RunningController, startController } from '../support/operator.ts';
import { waitFor } from '../support/wait-for.ts';

export const KIND = 'PackageRevision';
const PATIENCE_MS = 60_000;

type Lifecycle = NonNullable<PackageRevision['spec']['lifecycle']>;

export interface RevisionRequest {
  readonly package: string;
  readonly workspace?: string;
  readonly repository?: string;
  readonly source?: object;
  readonly spec?: object;
  readonly metadata?: object;
}

interface Parts {
  readonly cluster: ControlPlane;
  readonly company: Company;
  readonly git: GitServer;
  readonly root: string;
  readonly controller: RunningController;
}

/** A user's view of a cluster with `config/default`, the operator as a process of its own, and the repository `git`. */
export class LifecycleBench {
  readonly company: Company;
  readonly git: GitServer;
  readonly #root: string;
  readonly #cluster: ControlPlane;
  readonly #remotes = new Map<string, BareRepository>();
  readonly #controller: RunningController;

  private constructor(parts: Parts) {
    this.#cluster = parts.cluster;
    this.company = parts.company;
    this.git = parts.git;
    this.#controller = parts.controller;
    this.#root = parts.root;
  }

  /** @param cluster with an audit log */
  static async open(cluster: ControlPlane): Promise<LifecycleBench> {
    const company = await makeCompany(cluster);
    const root = await mkdtemp(join(tmpdir(), 'veranda-lifecycle-'));
    const git = await startGitServer({ root: join(root, 'remotes') });
    const kubeconfig = await cluster.kubeconfigFor(OPERATOR, [
      'system:serviceaccounts',
      'system:serviceaccounts:veranda-system',
    ]);
    const controller = await startController({
      kubeconfig,
      mirrors: join(root, 'mirrors'),
      flags: ['--leader-elect', '--lease-namespace', 'veranda-system'],
      until: 'working',
    });
    const bench = new LifecycleBench({ cluster, company, git, root, controller });
    await bench.register('git');
    return bench;
  }

  async close(): Promise<void> {
    await this.#controller.stop();
    await this.git.close();
    await this.company.close();
    await rm(this.#root, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  get controller(): RunningController {
    return this.#controller;
  }

  /** Part of the e-mail address of who publishes what bob approves. */
  get publisher(): object {
    return expect.stringContaining(this.company.stamps ? 'bob' : 'porch@kpt.dev');
  }

  get alice(): Person {
    return this.company.alice;
  }

  get bob(): Person {
    return this.company.bob;
  }

  /** A remote with one commit; nothing knows of it yet. */
  async makeRemote(name: string): Promise<BareRepository> {
    const remote = await BareRepository.create(join(this.#root, 'remotes', `${name}.git`));
    await remote.commit('main', { 'README.md': 'packages\n' });
    this.#remotes.set(name, remote);
    return remote;
  }

  remote(name = 'git'): BareRepository {
    const remote = this.#remotes.get(name);
    if (!remote) throw new Error(`there is no remote ${name}`);
    return remote;
  }

  /** A Repository object as alice registers it. */
  manifest(name: string, git: object = { branch: 'main' }, remote = name): Repository {
    return {
      apiVersion: 'config.porch.kpt.dev/v1alpha1',
      kind: 'Repository',
      metadata: { name },
      spec: { type: 'git', git: { repo: this.git.url(`${remote}.git`), ...git } },
    };
  }

  async register(name: string): Promise<BareRepository> {
    const remote = await this.makeRemote(name);
    await this.company.admin.create(this.manifest(name));
    await this.until<Repository>('Repository', name, isReady);
    return remote;
  }

  /** Asks for a look at a repository and waits until it was made. */
  async look(name = 'git'): Promise<void> {
    const at = `${Date.now()}-${Math.random()}`;
    await this.company.admin.merge('Repository', name, {
      metadata: { annotations: { [RECONCILE_AT_ANNOTATION]: at } },
    });
    await this.until<Repository>('Repository', name, ({ status }) => status?.lastHandledReconcileAt === at);
  }

  async create(request: RevisionRequest, by: Person = this.alice): Promise<string> {
    const object = revisionObject(request);
    await by.create(object);
    return object.metadata.name;
  }

  async get(name: string): Promise<PackageRevision> {
    return await this.alice.get<PackageRevision>(KIND, name);
  }

  async until<T extends KubeObject>(
    kind: string,
    name: string,
    wanted: (object: T) => boolean,
    by = this.company.admin,
  ): Promise<T> {
    let last: T | undefined;
    return await waitFor(
      async () => {
        last = await by.get<T>(kind, name);
        return wanted(last) && last;
      },
      { what: `${kind} ${name} is as wanted`, timeoutMs: PATIENCE_MS },
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${JSON.stringify(last, null, 1)}`);
    });
  }

  /** Waits until a revision is in a state, Ready at its generation. */
  async untilIn(name: string, lifecycle: Lifecycle): Promise<PackageRevision> {
    return await this.until<PackageRevision>(
      KIND,
      name,
      (object) => isReady(object) && object.status?.observedLifecycle === lifecycle,
    );
  }

  async untilReason(name: string, reason: string): Promise<PackageRevision> {
    return await this.until<PackageRevision>(
      KIND,
      name,
      (object) => conditionOf(object, 'Ready')?.reason === reason && conditionOf(object, 'Ready')?.status === 'False',
    );
  }

  async untilGone(kind: string, name: string): Promise<void> {
    await waitFor(() => this.company.admin.isGone(kind, name), { what: `${name} is gone`, timeoutMs: PATIENCE_MS });
  }

  async draft(request: RevisionRequest): Promise<string> {
    const name = await this.create(request);
    await this.untilIn(name, 'Draft');
    return name;
  }

  async move(by: Person, name: string, lifecycle: Lifecycle): Promise<PackageRevision> {
    await by.merge(KIND, name, { spec: { lifecycle } });
    return await this.untilIn(name, lifecycle);
  }

  /** A revision that alice has made and proposed and bob has approved. */
  async published(request: RevisionRequest): Promise<string> {
    const name = await this.draft(request);
    await this.move(this.alice, name, 'Proposed');
    await this.move(this.bob, name, 'Published');
    return name;
  }

  /** In two steps. */
  async remove(name: string): Promise<void> {
    await this.alice.merge(KIND, name, { spec: { lifecycle: 'DeletionProposed' } });
    await this.alice.delete(KIND, name);
    await this.untilGone(KIND, name);
  }

  /** Refs of a package, sorted. */
  async refs(of: string, remote = 'git'): Promise<readonly string[]> {
    const refs = [...(await this.remote(remote).refs()).keys()].sort();
    return refs.filter((ref) => ref.includes(`/${of}/`)).map((ref) => ref.slice('refs/'.length));
  }

  /** What the operator has written to objects of ours since a time, by the audit log: `<verb> <resource>/<name>`. */
  async writesSince(time: number, namespace = this.company.namespace): Promise<readonly string[]> {
    const text = await readFile(this.#cluster.auditLog ?? '', 'utf8');
    return text
      .split('\n')
      .filter((line) => line.includes(`"${OPERATOR}"`) && line.endsWith('}'))
      .map((line) => JSON.parse(line) as AuditEvent)
      .filter(({ verb, objectRef }) => !READS.includes(verb) && objectRef?.namespace === namespace)
      .filter(({ requestReceivedTimestamp }) => Date.parse(requestReceivedTimestamp) >= time)
      .map(({ verb, objectRef }) => `${verb} ${objectRef?.resource}/${objectRef?.name}`);
  }

  /** @returns a package name that nobody else uses */
  fresh(): string {
    return freshName();
  }
}

interface AuditEvent {
  readonly verb: string;
  readonly requestReceivedTimestamp: string;
  readonly objectRef?: { readonly resource: string; readonly namespace?: string; readonly name?: string };
}

const READS = ['get', 'list', 'watch'];

export function revisionObject(request: RevisionRequest): PackageRevision {
  const {
    package: packageName,
    workspace = 'v1',
    repository = 'git',
    source = { init: {} },
    spec = {},
    metadata = {},
  } = request;
  return {
    apiVersion: 'porch.kpt.dev/v1alpha2',
    kind: KIND,
    metadata: { name: `${repository}.${packageName.replaceAll('/', '.')}.${workspace}`, ...metadata },
    spec: { packageName, repository, workspaceName: workspace, lifecycle: 'Draft', source, ...spec },
  };
}

export const LATEST = 'porch.kpt.dev/latest-revision';
export const OLD_LATEST = 'kpt.dev/latest-revision';

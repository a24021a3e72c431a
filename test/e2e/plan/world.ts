import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { PACKAGE_REVISION, PACKAGE_VARIANT, type PackageRevision, REPOSITORY } from '../../../src/api/kinds.ts';
import type { KubeObject } from '../../../src/api/object.ts';
import { type ControlPlane, startControlPlane } from '../../env/cluster/control-plane.ts';
import { installApi } from '../../env/cluster/install.ts';
import { BareRepository } from '../../env/git/bare-repository.ts';
import { type GitServer, startGitServer } from '../../env/git/git-server.ts';
import { type CliResult, veranda } from '../../integration/cli/support.ts';
import { operatorKubeconfig, ownLease, type Rule } from '../support/access.ts';
import { makeNamespace, type TestNamespace } from '../support/cluster.ts';
import { type RunningController, startController } from '../support/operator.ts';

export const READER = 'plan-reader';
const PASSWORD = 'p4n-only-reads';

/** What `-o json` prints, as far as tests look at it. */
export interface JsonPlan {
  readonly code: number | null;
  readonly stderr: string;
  readonly summary: {
    readonly packages: Readonly<Record<string, number>>;
    readonly variants: { readonly create: number; readonly update: number; readonly delete: number };
    readonly unchanged: number;
  };
  readonly changes: readonly {
    readonly action: string;
    readonly revision: string;
    readonly variant?: string;
    readonly set?: string;
    readonly package: string;
    readonly lifecycle?: string;
    readonly number?: number;
    readonly tree?: string;
    readonly diff: string;
    readonly conflicts: readonly { readonly field?: string }[];
  }[];
  readonly variants: readonly {
    readonly action: string;
    readonly variant: string;
    readonly set?: string;
    readonly fields?: readonly string[];
  }[];
  readonly obstacles: readonly { readonly object: string; readonly reason: string; readonly message: string }[];
}

/** How a revision stands: what a plan says of it. */
export interface Standing {
  readonly lifecycle?: string;
  readonly number?: number;
  readonly tree?: string;
}

const RULES: readonly Rule[] = [
  {
    apiGroups: [REPOSITORY.apiVersion.split('/')[0] ?? ''],
    resources: ['repositories', 'packagevariants', 'packagevariantsets'],
    verbs: ['get', 'list'],
  },
  {
    apiGroups: [PACKAGE_REVISION.apiVersion.split('/')[0] ?? ''],
    resources: ['packagerevisions'],
    verbs: ['get', 'list'],
  },
  { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list'] },
  { apiGroups: [''], resources: ['namespaces'], verbs: ['get'] },
  { apiGroups: [''], resources: ['secrets'], resourceNames: ['git'], verbs: ['get'] },
];

/** A cluster with an audit log, a git server behind a password, an operator that can be stopped, and somebody who may only read. */
export class PlanWorld {
  readonly plane: ControlPlane;
  readonly namespace: TestNamespace;
  readonly git: GitServer;
  readonly root: string;
  readonly blueprints: BareRepository;
  readonly deployments: BareRepository;
  readonly #operator: string;
  readonly #reader: string;
  #controller: RunningController | undefined;

  private constructor(
    parts: Pick<PlanWorld, 'plane' | 'namespace' | 'git' | 'root' | 'blueprints' | 'deployments'>,
    operator: string,
    reader: string,
  ) {
    ({
      plane: this.plane,
      namespace: this.namespace,
      git: this.git,
      root: this.root,
      blueprints: this.blueprints,
      deployments: this.deployments,
    } = parts);
    this.#operator = operator;
    this.#reader = reader;
  }

  static async open(): Promise<PlanWorld> {
    const plane = await startControlPlane({ audit: true });
    await installApi(plane.kubeconfig);
    const namespace = await makeNamespace(plane.kubeconfig, 'plan');
    const root = await mkdtemp(join(tmpdir(), 'veranda-plan-'));
    const git = await startGitServer({
      root: join(root, 'remotes'),
      auth: { kind: 'basic', username: 'git', password: PASSWORD },
    });
    const remote = (name: string) => BareRepository.create(join(root, 'remotes', `${name}.git`));
    const [blueprints, deployments] = [await remote('blueprints'), await remote('deployments')];
    await deployments.commit('main', { 'README.md': 'packages\n' });
    const operator = await operatorKubeconfig(plane, namespace);
    const world = new PlanWorld(
      { plane, namespace, git, root, blueprints, deployments },
      operator,
      await plane.kubeconfigFor(READER),
    );
    await world.#prepare();
    return world;
  }

  async close(): Promise<void> {
    await this.#controller?.stop();
    await this.git.close();
    await this.namespace.close();
    await this.plane.stop();
    await rm(this.root, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  async #prepare(): Promise<void> {
    await this.grant('reader', { kind: 'User', name: READER }, RULES);
    const account = { kind: 'ServiceAccount', namespace: 'veranda-system', name: 'veranda-controller' };
    await this.grant('credentials', account, [
      { apiGroups: [''], resources: ['secrets'], resourceNames: ['git'], verbs: ['get', 'watch'] },
      { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list', 'watch'] },
    ]);
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'git' },
      type: 'kubernetes.io/basic-auth',
      stringData: { username: 'git', password: PASSWORD },
    };
    await this.namespace.apply(secret, this.repository('blueprints'), this.repository('deployments'));
  }

  /** Takes rights back with no rules. */
  async grant(
    name: string,
    subject: { readonly kind: string; readonly name: string },
    rules: readonly Rule[],
  ): Promise<void> {
    const group = 'rbac.authorization.k8s.io';
    const role = { apiVersion: `${group}/v1`, kind: 'Role', metadata: { name }, rules };
    const binding = {
      apiVersion: `${group}/v1`,
      kind: 'RoleBinding',
      metadata: { name },
      roleRef: { apiGroup: group, kind: 'Role', name },
      subjects: [subject],
    };
    await this.namespace.apply(role, binding);
  }

  /** @param without resources that the reader may not read */
  async grantReader(without: readonly string[] = []): Promise<void> {
    const rules = RULES.map((rule) => ({
      ...rule,
      resources: rule.resources.filter((resource) => !without.includes(resource)),
    }));
    await this.grant(
      'reader',
      { kind: 'User', name: READER },
      rules.filter(({ resources }) => resources.length > 0),
    );
  }

  repository(name: string): KubeObject & { readonly spec: object } {
    const { apiVersion, kind } = REPOSITORY;
    const repo = this.git.url(`${name}.git`);
    return { apiVersion, kind, metadata: { name }, spec: { git: { repo, secretRef: { name: 'git' } } } };
  }

  /** `veranda plan --cluster` of somebody who may only read. */
  plain(...args: string[]): Promise<CliResult> {
    const all = ['plan', '--cluster', '--kubeconfig', this.#reader, '-n', this.namespace.name, ...args];
    return veranda(all, { cwd: this.root });
  }

  async plan(...args: string[]): Promise<JsonPlan> {
    const { code, stdout, stderr } = await this.plain('-o', 'json', ...args);
    if (stdout === '') throw new Error(`veranda plan ended with ${code}: ${stderr}`);
    return { ...(JSON.parse(stdout) as Omit<JsonPlan, 'code' | 'stderr'>), code, stderr };
  }

  /** A file of manifests. */
  async manifests(name: string, ...objects: readonly object[]): Promise<string> {
    const file = join(this.root, name);
    await writeFile(file, objects.map((object) => `---\n${stringify(object)}`).join(''));
    return file;
  }

  async startOperator(): Promise<void> {
    const flags = ownLease(this.namespace);
    this.#controller = await startController({ kubeconfig: this.#operator, flags, until: 'working' });
  }

  async stopOperator(): Promise<void> {
    await this.#controller?.stop();
    this.#controller = undefined;
  }

  /** All revisions of packages that variants make, by name. */
  async standings(): Promise<ReadonlyMap<string, Standing>> {
    const revisions = await this.namespace.list(PACKAGE_REVISION);
    const own = revisions.filter(({ spec, status }) => spec.repository === 'deployments' && status?.revision !== -1);
    return new Map(own.map((revision) => [revision.metadata.name, standingOf(revision)]));
  }

  /** What the operator makes of what a plan was made for: waits until everything planned is there, and nothing is under way. */
  async carryOut({ changes, obstacles }: JsonPlan): Promise<ReadonlyMap<string, Standing>> {
    await this.startOperator();
    const stuck = new Set(obstacles.map(({ object }) => object));
    let missing: readonly string[] = [];
    const isCarriedOut = (all: readonly PackageRevision[]): boolean => {
      const there = new Map(all.map((revision) => [revision.metadata.name, standingOf(revision)]));
      missing = changes.flatMap((change) => unlikePlanned(change, there.get(nameOf(change.revision))));
      return missing.length === 0;
    };
    await this.namespace.until('all is as planned', PACKAGE_REVISION, isCarriedOut).catch((error: unknown) => {
      throw new Error(`not as planned:\n${missing.join('\n')}`, { cause: error });
    });
    await this.namespace.until('all variants are Ready', PACKAGE_VARIANT, (all) =>
      all.every((variant) => {
        const ready = variant.status?.conditions?.find(({ type }) => type === 'Ready');
        const isCurrent = variant.status?.observedGeneration === variant.metadata.generation;
        const isStuck = stuck.has(`PackageVariant ${this.namespace.name}/${variant.metadata.name}`);
        return isCurrent && (ready?.status === 'True' || isStuck) && variant.metadata.deletionTimestamp === undefined;
      }),
    );
    await this.namespace.until('the branch was looked at', PACKAGE_REVISION, headsAreKnown);
    const standings = await this.standings();
    await this.stopOperator();
    return standings;
  }

  /** Changes files of a branch, beside what is there. */
  async edit(repository: BareRepository, files: Readonly<Record<string, string>>): Promise<void> {
    const names = (await repository.git('ls-tree', '-r', '--name-only', 'main')).split('\n').filter((name) => name);
    const known = await Promise.all(
      names.map(async (name) => [name, `${await repository.git('show', `main:${name}`)}\n`] as const),
    );
    await repository.commit('main', { ...Object.fromEntries(known), ...files });
  }

  /** A new version of the blueprint `web`. */
  async publishBlueprint(tag: string, files: Readonly<Record<string, string>>): Promise<void> {
    await this.blueprints.commit('main', files);
    await this.blueprints.git('tag', tag, 'main');
  }

  async refs(): Promise<readonly ReadonlyMap<string, string>[]> {
    return [await this.blueprints.refs(), await this.deployments.refs()];
  }

  /** `<verb> <resource>` of all that the reader has asked the API server. */
  async asked(): Promise<ReadonlySet<string>> {
    const text = await readFile(this.plane.auditLog ?? '', 'utf8');
    const events = text
      .split('\n')
      .filter((line) => line.includes(`"${READER}"`) && line.endsWith('}'))
      .map((line) => JSON.parse(line) as AuditEvent);
    return new Set(events.map(({ verb, objectRef }) => `${verb} ${objectRef?.resource ?? 'discovery'}`));
  }
}

interface AuditEvent {
  readonly verb: string;
  readonly objectRef?: { readonly resource?: string };
}

export function nameOf(key: string): string {
  return key.slice(key.indexOf('/') + 1);
}

function unlikePlanned(
  { action, revision, lifecycle, tree }: JsonPlan['changes'][number],
  standing?: Standing,
): string[] {
  const isSame =
    action === 'delete'
      ? standing === undefined
      : standing?.lifecycle === lifecycle && (tree === undefined || standing?.tree === tree);
  return isSame ? [] : [`${action} ${revision}: ${lifecycle} ${tree}, not ${JSON.stringify(standing)}`];
}

/** What is published shows on the branch as well, in an object that comes and is told of a little later. */
function headsAreKnown(all: readonly PackageRevision[]): boolean {
  const packages = (of: readonly PackageRevision[]) => new Set(of.map(({ spec }) => spec.packageName));
  const own = all.filter(({ spec }) => spec.repository === 'deployments');
  const heads = packages(own.filter(({ status }) => status?.revision === -1));
  return packages(own.filter(({ status }) => status?.observedLifecycle === 'Published')).isSubsetOf(heads);
}

function standingOf({ status }: PackageRevision): Standing {
  const { observedLifecycle: lifecycle, packageTree: tree, revision = 0 } = status ?? {};
  return { lifecycle, tree, ...(revision > 0 ? { number: revision } : {}) };
}

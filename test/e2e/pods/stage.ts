import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  FUNCTION_CONFIG,
  type FunctionConfig,
  PACKAGE_REVISION,
  PACKAGE_VARIANT,
  type PackageRevision,
  type PackageVariant,
  REPOSITORY,
  type Repository,
} from '../../../src/api/kinds.ts';
import type { KubeObject } from '../../../src/api/object.ts';
import type { ControlPlane } from '../../env/cluster/control-plane.ts';
import { BareRepository, type SeedFiles } from '../../env/git/bare-repository.ts';
import { type GitServer, type GitServerAuth, startGitServer } from '../../env/git/git-server.ts';
import { conditionOf, makeNamespace, type TestNamespace } from '../support/cluster.ts';
import { type RunningController, startController } from '../support/operator.ts';
import { OPERATOR, type PodWorld } from './world.ts';

export const CONFIG_NAMESPACE = 'veranda-system';
/** How long a test waits for what must come: pods start slowly on a machine that has much to do. */
export const PATIENCE_MS = 150_000;

type Mutator = NonNullable<NonNullable<PackageVariant['spec']['pipeline']>['mutators']>[number];

/** A namespace with a repository of blueprints and one of deployments, for operators in a world with a node. */
export class Stage {
  readonly namespace: TestNamespace;
  readonly blueprints: BareRepository;
  readonly deployments: BareRepository;
  readonly #world: PodWorld;
  readonly #git: GitServer;
  readonly #folder: string;
  readonly #configs: FunctionConfig[] = [];
  readonly #controllers: RunningController[] = [];

  private constructor(
    world: PodWorld,
    parts: Pick<Stage, 'namespace' | 'blueprints' | 'deployments'>,
    git: GitServer,
    folder: string,
  ) {
    this.namespace = parts.namespace;
    this.blueprints = parts.blueprints;
    this.deployments = parts.deployments;
    this.#world = world;
    this.#git = git;
    this.#folder = folder;
  }

  /**
   * @param files of the blueprints
   * @param access who is let in to the git server, and the name of the Secret that says so
   */
  static async open(
    world: PodWorld,
    files: SeedFiles,
    access?: { readonly auth: GitServerAuth; readonly secret: string },
  ): Promise<Stage> {
    const folder = await mkdtemp(join(tmpdir(), 'veranda-pods-'));
    const git = await startGitServer({ root: folder, auth: access?.auth });
    const blueprints = await BareRepository.create(join(folder, 'blueprints.git'));
    await blueprints.commit('main', files);
    const deployments = await BareRepository.create(join(folder, 'deployments.git'));
    await deployments.commit('main', {});
    const namespace = await makeNamespace(world.controlPlane.kubeconfig, 'pods');
    const stage = new Stage(world, { namespace, blueprints, deployments }, git, folder);
    const object = (name: string, deployment: boolean) =>
      repositoryObject(name, git.url(`${name}.git`), deployment, access?.secret);
    await namespace.apply(object('blueprints', false), object('deployments', true));
    return stage;
  }

  /** An operator that works in this namespace only, with registries on this machine. */
  async start(...flags: readonly string[]): Promise<RunningController> {
    const controller = await startController({
      kubeconfig: this.#world.operatorKubeconfig,
      flags: [
        '--leader-elect=false',
        `--namespace=${this.namespace.name}`,
        '--loopback-registries=true',
        '--allow-images=*',
        ...flags,
      ],
    });
    this.#controllers.push(controller);
    return controller;
  }

  /** FunctionConfigs last as long as the stage. The operator sees those of its own namespace, which its flag names. */
  async configure(image: string, spec: Omit<FunctionConfig['spec'], 'image'>): Promise<void> {
    const { apiVersion, kind } = FUNCTION_CONFIG;
    const config: FunctionConfig = {
      apiVersion,
      kind,
      metadata: { name: image, namespace: CONFIG_NAMESPACE },
      spec: { image, ...spec },
    };
    this.#configs.push(config);
    await this.namespace.apply(config);
  }

  /** A package of its own in the deployments, made from a blueprint, with these functions. */
  async variant(name: string, mutators: readonly Mutator[], blueprint = 'app'): Promise<void> {
    const { apiVersion, kind } = PACKAGE_VARIANT;
    const variant: PackageVariant = {
      apiVersion,
      kind,
      metadata: { name },
      spec: {
        upstream: { repo: 'blueprints', package: blueprint, workspaceName: 'main' },
        downstream: { repo: 'deployments', package: name },
        pipeline: { mutators: [...mutators] },
      },
    };
    await this.namespace.apply(variant);
  }

  /** A draft of the package that is as wanted. */
  async until(
    pkg: string,
    what: string,
    wanted: (revision: PackageRevision) => boolean,
    milliseconds = PATIENCE_MS,
  ): Promise<PackageRevision> {
    const fits = (revision: PackageRevision) => revision.spec.packageName === pkg && wanted(revision);
    const found = await this.untilAll(`${pkg} ${what}`, (all) => all.some(fits), milliseconds);
    return found.find(fits) as PackageRevision;
  }

  /** The revisions of the deployments, once they are as wanted. */
  async untilAll(
    what: string,
    wanted: (revisions: readonly PackageRevision[]) => boolean,
    milliseconds = PATIENCE_MS,
  ): Promise<readonly PackageRevision[]> {
    const ours = (all: readonly PackageRevision[]) => all.filter(({ spec }) => spec.repository === 'deployments');
    return ours(await this.namespace.until(what, PACKAGE_REVISION, (all) => wanted(ours(all)), milliseconds));
  }

  /** A file of the package's newest draft. */
  async draftFile({ spec: { packageName, workspaceName } }: PackageRevision, path: string): Promise<string> {
    return await this.deployments.git('show', `drafts/${packageName}/${workspaceName}:${packageName}/${path}`);
  }

  async close(): Promise<void> {
    for (const controller of this.#controllers) await controller.stop();
    for (const { metadata } of this.#configs) {
      await this.namespace.store.delete(FUNCTION_CONFIG, metadata).catch(() => undefined);
    }
    await this.namespace.close();
    await this.#git.close();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

export function repositoryObject(name: string, address: string, deployment: boolean, secret?: string): Repository {
  const { apiVersion, kind } = REPOSITORY;
  const git = { repo: address, branch: 'main', ...(secret && { secretRef: { name: secret } }) };
  return { apiVersion, kind, metadata: { name }, spec: { type: 'git', git, deployment } };
}

export function kptfile(name: string): string {
  return `apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: ${name}\n`;
}

/** Whether the object's own word on it is this reason. */
export function failedFor(reason: string): (object: KubeObject) => boolean {
  return (object) => {
    const ready = conditionOf(object, 'Ready');
    return ready?.status === 'False' && ready.reason === reason;
  };
}

/** A call of exec or attach that the API server has served for the operator. */
export interface ServedRun {
  readonly pod: string;
  readonly how: 'exec' | 'attach';
}

/** What the API server has written down of functions that the operator ran, in order. */
export async function servedRuns({ auditLog }: Pick<ControlPlane, 'auditLog'>): Promise<readonly ServedRun[]> {
  const text = await readFile(auditLog ?? '', 'utf8');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as AuditEntry)
    .flatMap(({ stage, user, objectRef }) =>
      user.username === OPERATOR &&
      stage === 'ResponseStarted' &&
      (objectRef?.subresource === 'exec' || objectRef?.subresource === 'attach')
        ? [{ pod: objectRef.name ?? '', how: objectRef.subresource }]
        : [],
    );
}

interface AuditEntry {
  readonly stage: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { readonly subresource?: string; readonly name?: string };
}

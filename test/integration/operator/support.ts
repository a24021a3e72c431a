import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PACKAGE_REVISION, type PackageRevision, REPOSITORY, type Repository } from '../../../src/api/kinds.ts';
import type { Condition, KubeObject } from '../../../src/api/object.ts';
import { LocalOperator, type LocalOperatorOptions } from '../../../src/cli/local-operator.ts';
import { nullLogger } from '../../../src/observability/logger.ts';
import { BareRepository } from '../../env/git/bare-repository.ts';

export const NAMESPACE = 'default';

type Change = { readonly [field: string]: unknown };

/** The operator's controllers on an embedded store with real git remotes on disk, one folder a test. */
export class OperatorBench {
  readonly folder: string;
  readonly operator: LocalOperator;
  readonly events: { readonly reason: string; readonly message: string }[] = [];
  readonly #deadline = AbortSignal.timeout(50_000);

  private constructor(folder: string, options: Partial<LocalOperatorOptions>) {
    this.folder = folder;
    this.operator = new LocalOperator({
      mirrors: join(folder, 'mirrors'),
      events: { write: async (event) => void this.events.push(event) },
      onChange: () => undefined,
      logger: nullLogger,
      ...options,
    });
  }

  static async open(options: Partial<LocalOperatorOptions> = {}): Promise<OperatorBench> {
    return new OperatorBench(await mkdtemp(join(tmpdir(), 'veranda-operator-')), options);
  }

  async start(): Promise<void> {
    await this.operator.start(this.#deadline);
    await this.settle();
  }

  settle(): Promise<void> {
    return this.operator.settle(this.#deadline);
  }

  /** Stops the operator and removes everything; who made a remote checks it before. */
  async close(): Promise<void> {
    await this.operator.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** A remote on disk with a branch main, registered under its name. */
  async repository(name: string, spec: Change = {}, git: Change = {}): Promise<BareRepository> {
    const remote = await BareRepository.create(join(this.folder, `${name}.git`));
    await remote.commit('main', { 'README.md': 'packages\n' });
    await this.register(name, remote.path, spec, git);
    return remote;
  }

  async register(name: string, url: string, spec: Change = {}, git: Change = {}): Promise<void> {
    await this.apply(REPOSITORY.apiVersion, 'Repository', name, { type: 'git', ...spec, git: { repo: url, ...git } });
  }

  /** Applies a PackageRevision as a user does; the name follows from the spec unless given. */
  async revision(
    spec: Change & { readonly repository: string; readonly packageName: string; readonly workspaceName: string },
    metadata: Change = {},
  ): Promise<string> {
    const name = `${spec.repository}.${spec.packageName.replaceAll('/', '.')}.${spec.workspaceName}`;
    await this.apply(PACKAGE_REVISION.apiVersion, 'PackageRevision', name, spec, metadata);
    return name;
  }

  async apply(apiVersion: string, kind: string, name: string, spec: Change, metadata: Change = {}): Promise<void> {
    await this.operator.apply({
      apiVersion,
      kind,
      metadata: { name, namespace: NAMESPACE, ...metadata },
      spec,
    } as KubeObject);
  }

  /** Applies the revision again with another spec; what is not named stays. */
  async change(name: string, spec: Change): Promise<void> {
    const { apiVersion, kind, spec: before } = this.get(name);
    await this.apply(apiVersion, kind, name, { ...before, ...spec });
    await this.settle();
  }

  get(name: string): PackageRevision {
    const found = this.operator.find('PackageRevision', NAMESPACE, name);
    if (!found) throw new Error(`there is no PackageRevision ${name}`);
    return found as PackageRevision;
  }

  repositoryObject(name: string): Repository {
    return this.operator.find('Repository', NAMESPACE, name) as Repository;
  }
}

export function condition(
  object: { readonly status?: { readonly conditions?: readonly Condition[] } },
  type: string,
): Condition | undefined {
  return object.status?.conditions?.find((candidate) => candidate.type === type);
}

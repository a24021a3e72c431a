import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  PACKAGE_REVISION,
  PACKAGE_VARIANT,
  type PackageRevision,
  type PackageVariant,
} from '../../../src/api/kinds.ts';
import { LocalOperator, type LocalOperatorOptions } from '../../../src/cli/local-operator.ts';
import { ManifestSet } from '../../../src/cli/manifest-set.ts';
import { nullLogger } from '../../../src/observability/logger.ts';
import { BareRepository } from '../../env/git/bare-repository.ts';

type Manifest = Readonly<Record<string, unknown>>;

/** A Repository object on a remote of the place. */
export interface RegisteredRemote {
  readonly name: string;
  readonly description?: string;
  readonly deployment?: boolean;
}

/** Remotes, manifests and mirrors in one folder, and operators that work on them, one after the other. */
export class LocalFleet {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** A remote whose branch main holds the folder's files. */
  fromFolder(name: string, content: string): Promise<BareRepository> {
    return BareRepository.fromDirectory(this.#path(name), content);
  }

  async empty(name: string): Promise<BareRepository> {
    const remote = await BareRepository.create(this.#path(name));
    await remote.commit('main', { 'README.md': `${name}\n` });
    return remote;
  }

  /** Writes a manifest file; a second one of the same name takes its place. */
  async write(name: string, objects: readonly Manifest[]): Promise<void> {
    await mkdir(this.#manifests, { recursive: true });
    await writeFile(
      join(this.#manifests, `${name}.json`),
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
    );
  }

  register(remotes: readonly RegisteredRemote[]): Promise<void> {
    return this.write(
      'repositories',
      remotes.map(({ name, ...spec }) => ({
        apiVersion: 'config.porch.kpt.dev/v1alpha1',
        kind: 'Repository',
        metadata: { name },
        spec: { type: 'git', git: { repo: this.#path(name), branch: 'main' }, ...spec },
      })),
    );
  }

  open(options: Pick<LocalOperatorOptions, 'renderer' | 'open' | 'metrics'> = {}): RunningFleet {
    const operator = new LocalOperator({
      mirrors: join(this.#folder, 'mirrors'),
      events: { write: async () => undefined },
      onChange: () => undefined,
      logger: nullLogger,
      ...options,
    });
    return new RunningFleet(operator, new ManifestSet([this.#manifests], operator));
  }

  get #manifests(): string {
    return join(this.#folder, 'manifests');
  }

  #path(name: string): string {
    return join(this.#folder, 'remotes', `${name}.git`);
  }
}

/** An operator that has loaded the manifests; its store is gone when it stops, git is not. */
export class RunningFleet {
  readonly operator: LocalOperator;
  readonly #manifests: ManifestSet;
  #started = false;

  constructor(operator: LocalOperator, manifests: ManifestSet) {
    this.operator = operator;
    this.#manifests = manifests;
  }

  /**
   * Loads the manifest files as they are now and works until nothing is left to do.
   * @throws when a manifest is at fault
   */
  async settle(signal: AbortSignal = AbortSignal.timeout(120_000)): Promise<void> {
    await this.#manifests.load();
    if (this.#manifests.errors.length > 0) throw new Error(JSON.stringify(this.#manifests.errors));
    if (!this.#started) await this.operator.start(signal);
    this.#started = true;
    await this.operator.settle(signal);
  }

  variants(): Promise<readonly PackageVariant[]> {
    return this.operator.list(PACKAGE_VARIANT);
  }

  async variant(name: string): Promise<PackageVariant> {
    const found = (await this.variants()).find(({ metadata }) => metadata.name === name);
    if (!found) throw new Error(`there is no PackageVariant ${name}`);
    return found;
  }

  revisions(): Promise<readonly PackageRevision[]> {
    return this.operator.list(PACKAGE_REVISION);
  }

  stop(): Promise<void> {
    return this.operator.stop();
  }
}

/** Runs `work` on an operator that is stopped afterwards, whatever happens. */
export async function withFleet<T>(fleet: RunningFleet, work: (fleet: RunningFleet) => Promise<T>): Promise<T> {
  try {
    await fleet.settle();
    return await work(fleet);
  } finally {
    await fleet.stop();
  }
}

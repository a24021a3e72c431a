import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { TerminalError } from '../../api/errors.ts';
import type { Repository } from '../../api/kinds.ts';
import { objectKey, objectLabel } from '../../api/object.ts';
import { FairQueue } from '../../concurrency/fair-queue.ts';
import type { RegistryClientOptions } from '../../registry/client.ts';
import { LimitedGitStore, type NetworkLimits } from '../../repository/git/limited-store.ts';
import type { GitRepositoryOptions } from '../../repository/git/options.ts';
import { createGitRepository } from '../../repository/git/repository.ts';
import { mirrorDirectory, openGitStore } from '../../repository/git/store/open.ts';
import type { CredentialsProvider, GitStore } from '../../repository/git/types.ts';
import { ImagePackages } from '../../repository/image-packages.ts';
import type { PackageRepository } from '../../repository/types.ts';
import { isReadOnly } from './claim.ts';

export interface GatewayOptions {
  /** Folder for bare mirrors. */
  readonly mirrors: string;
  /** Local paths and `file://` as URLs, and registries on this machine; only in the CLI and in tests. */
  readonly allowLocal: boolean;
  /** How packages are fetched from registries. Default of `loopback`: as `allowLocal`. */
  readonly registries?: RegistryClientOptions;
  /** Reads the Secret that `spec.git.secretRef` names each time it is asked. */
  readonly credentials: (repository: Repository) => CredentialsProvider | undefined;
  readonly now: () => number;
  readonly openStore?: typeof openGitStore;
  readonly createRepository?: (store: GitStore, options: GitRepositoryOptions) => PackageRepository;
}

/** Fetches and pushes at the same time. One that hangs costs next to nothing but its place, so there are more than cores. */
const TRANSFERS = 16;
/** Lists of refs at the same time: enough for every worker of the repositories. */
const LISTINGS = 32;
/** A long fetch must not hold up the push of the same remote. */
const CALLS_PER_REMOTE = 2;

interface SecretName {
  readonly namespace: string;
  readonly name: string;
}

interface Opened {
  readonly identity: string;
  readonly repository: Promise<PackageRepository>;
}

/**
 * Turns Repository objects into opened repositories. All objects on one URL and secret share one store, so that one
 * remote is mirrored and fetched once however many directories of it are registered.
 */
export class RepositoryGateway {
  /** Packages in registries, which are cloned from images that nobody registered. */
  readonly images: ImagePackages;
  readonly #options: GatewayOptions;
  readonly #stores = new Map<string, Promise<GitStore>>();
  readonly #opened = new Map<string, Opened>();
  readonly #network: NetworkLimits = { listing: networkQueue(LISTINGS), transfer: networkQueue(TRANSFERS) };

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.images = new ImagePackages({ loopback: options.allowLocal, ...options.registries });
  }

  /**
   * Opens the repository of an object, or gives the one opened before when nothing that shapes it has changed.
   * @throws TerminalError when the object names no usable git repository
   */
  async open(object: Repository): Promise<PackageRepository> {
    const key = objectKey(object.metadata);
    const settings = gitSettings(object, this.#options.now);
    const identity = JSON.stringify([object.metadata.uid, settings]);
    const known = this.#opened.get(key);
    if (known?.identity === identity) return known.repository;
    // Nothing may be awaited before it is there for others: after a start all revisions ask for it at once.
    const opened: Opened = { identity, repository: this.#replace(known, object, settings) };
    this.#opened.set(key, opened);
    try {
      return await opened.repository;
    } catch (error) {
      if (this.#opened.get(key) === opened) this.#opened.delete(key);
      throw error;
    }
  }

  async #replace(
    known: Opened | undefined,
    object: Repository,
    settings: GitRepositoryOptions,
  ): Promise<PackageRepository> {
    await closeOpened(known);
    const store = await this.#store(object, settings.repo);
    return (this.#options.createRepository ?? createGitRepository)(store, settings);
  }

  async close(key: string): Promise<void> {
    const opened = this.#opened.get(key);
    this.#opened.delete(key);
    await closeOpened(opened);
  }

  /** Closes everything; errors of stores that never opened are not this call's. */
  async closeAll(): Promise<void> {
    for (const key of [...this.#opened.keys()]) await this.close(key).catch(() => undefined);
    for (const store of this.#stores.values()) await store.then((opened) => opened.close()).catch(() => undefined);
    this.#stores.clear();
    await this.images.close();
  }

  /** A store on any URL, for packages that are cloned from repositories nobody registered. */
  store(url: string, secret: SecretName | undefined, credentials: CredentialsProvider | undefined): Promise<GitStore> {
    const scope = secret === undefined ? '' : `${secret.namespace}/${secret.name}`;
    const id = `${url}\0${scope}`;
    const known = this.#stores.get(id);
    if (known) return known;
    const opening = (this.#options.openStore ?? openGitStore)({
      url,
      directory: mirrorDirectory(mirrorRoot(this.#options.mirrors, scope), url),
      credentials,
      ...(secret === undefined ? {} : { credentialsName: `Secret ${secret.name}` }),
      allowLocal: this.#options.allowLocal,
    }).then((opened) => new LimitedGitStore(opened, this.#network));
    this.#stores.set(id, opening);
    opening.catch(() => this.#stores.delete(id));
    return opening;
  }

  #store(object: Repository, url: string): Promise<GitStore> {
    const name = object.spec?.git?.secretRef?.name;
    const secret = name ? { namespace: object.metadata.namespace ?? '', name } : undefined;
    return this.store(url, secret, this.#options.credentials(object));
  }
}

/** One that could not be opened has told those who wanted it. */
async function closeOpened(opened: Opened | undefined): Promise<void> {
  const repository = await opened?.repository.catch(() => undefined);
  await repository?.close();
}

/** Callers are workers of controllers, so their number is bounded already. */
function networkQueue(total: number): FairQueue {
  return new FairQueue({ total, perLane: CALLS_PER_REMOTE, backlogPerLane: Number.POSITIVE_INFINITY });
}

/** What was read with a secret lies in a place of its own, so that nobody without that secret reads it. */
function mirrorRoot(mirrors: string, scope: string): string {
  return scope === '' ? mirrors : join(mirrors, createHash('sha256').update(scope).digest('hex'));
}

function gitSettings(object: Repository, now: () => number): GitRepositoryOptions {
  const git = object.spec?.git;
  if (object.spec?.type !== undefined && object.spec.type !== 'git') {
    throw new TerminalError(
      'UnsupportedType',
      `repositories of type ${object.spec.type} are not supported yet; use type: git`,
      {
        object: objectLabel(object),
        field: 'spec.type',
      },
    );
  }
  if (!git?.repo) {
    throw new TerminalError('InvalidSpec', 'spec.git.repo must be set', {
      object: objectLabel(object),
      field: 'spec.git.repo',
    });
  }
  const author = git.author || git.email ? { name: git.author, email: git.email } : undefined;
  return {
    repo: git.repo,
    branch: git.branch || 'main',
    directory: (git.directory ?? '').replace(/^\/+|\/+$/g, ''),
    createBranch: (git.createBranch ?? false) && !isReadOnly(object),
    ...(author ? { author } : {}),
    now,
  };
}

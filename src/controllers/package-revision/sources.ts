import { MissingError, TerminalError, TransientError } from '../../api/errors.ts';
import type { PackageRevision } from '../../api/kinds.ts';
import { remoteIdentity } from '../../repository/address.ts';
import { fetchPackage } from '../../repository/sources.ts';
import type { GitLock, PackageRepository, RepositorySnapshot, RevisionInfo } from '../../repository/types.ts';
import type {
  GitSource,
  OciSource,
  PackageSources,
  ResolvedGitPackage,
  ResolvedImage,
  ResolvedRevision,
} from '../../task/types.ts';
import type { ControllerEnvironment } from '../environment.ts';
import { INDEX } from '../indexes.ts';

type SourcesEnvironment = Pick<ControllerEnvironment, 'repositories' | 'revisions' | 'gateway' | 'secrets'>;

/** Packages that tasks of one namespace refer to, read from the registered repositories or from any git URL. */
export function packageSources(env: SourcesEnvironment, namespace: string): PackageSources {
  return {
    revision: (name, signal) => readRevision(env, namespace, name, signal),
    git: (source, signal) => readGit(env, namespace, source, signal),
    image: (source, signal) => readImage(env, namespace, source, signal),
    locked: (lock, signal) => readLocked(env, namespace, lock, signal),
  };
}

async function readRevision(
  env: SourcesEnvironment,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<ResolvedRevision> {
  const object = env.revisions.get(`${namespace}/${name}`);
  if (!object) throw new MissingError('SourceNotFound', `cannot find package revision ${name}`);
  const repository = await openRepository(env, namespace, object.spec.repository);
  const info = findRevision(await repository.snapshot({ signal }), object);
  if (!info)
    throw new MissingError('SourceNotFound', `package revision ${name} is not in Repository ${object.spec.repository}`);
  return {
    name,
    repository: object.spec.repository,
    package: info.package,
    workspace: info.workspace,
    lifecycle: info.lifecycle,
    branchHead: info.branchHead,
    ...(info.revision > 0 ? { revision: info.revision } : {}),
    lock: info.lock,
    content: await repository.read(info.commit, info.package, { signal }),
  };
}

/**
 * @throws TransientError reason RepositoryNotFound: it may be created in a moment
 */
export async function openRepository(
  env: Pick<ControllerEnvironment, 'repositories' | 'gateway'>,
  namespace: string,
  name: string,
): Promise<PackageRepository> {
  const object = env.repositories.get(`${namespace}/${name}`);
  if (!object)
    throw new TransientError('RepositoryNotFound', `Repository ${name} does not exist`, { field: 'spec.repository' });
  return env.gateway.open(object);
}

/** The entry of a snapshot that an object stands for. */
export function findRevision(
  snapshot: Pick<RepositorySnapshot, 'find'>,
  { spec }: PackageRevision,
): RevisionInfo | undefined {
  return snapshot.find({ package: spec.packageName, workspace: spec.workspaceName });
}

async function readGit(
  env: SourcesEnvironment,
  namespace: string,
  source: GitSource,
  signal: AbortSignal,
): Promise<ResolvedGitPackage> {
  const name = source.secretRef?.name;
  const secret = name ? { namespace, name } : undefined;
  const store = await env.gateway.store(source.repo, secret, secret && env.secrets(namespace, secret.name));
  try {
    return await fetchPackage(store, source, signal);
  } catch (error) {
    // A ref that is not there today may be pushed tomorrow, and nothing tells of it.
    const mayCome = error instanceof TerminalError && error.reason === 'RefNotFound';
    throw mayCome ? new TransientError(error.reason, error.message, error.location) : error;
  }
}

async function readImage(
  env: SourcesEnvironment,
  namespace: string,
  { image, secretRef }: OciSource,
  signal: AbortSignal,
): Promise<ResolvedImage> {
  const credentials = secretRef?.name ? await env.secrets(namespace, secretRef.name)() : undefined;
  return await env.gateway.images.fetch(image, credentials, signal);
}

/** Locks hold no secret: that of a registered repository with the same URL is taken, if there is one. */
function readLocked(
  env: SourcesEnvironment,
  namespace: string,
  { git }: GitLock,
  signal: AbortSignal,
): Promise<ResolvedGitPackage> {
  const registered = env.repositories
    .byIndex(INDEX.remote, remoteIdentity(git.repo))
    .find(({ metadata }) => metadata.namespace === namespace)?.spec.git;
  const { directory, commit } = git;
  return readGit(
    env,
    namespace,
    { repo: registered?.repo ?? git.repo, ref: commit, directory, secretRef: registered?.secretRef },
    signal,
  );
}

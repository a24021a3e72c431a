import { TerminalError } from '../../api/errors.ts';
import { setIn } from '../../krm/value.ts';
import type { Package } from '../../package/package.ts';
import type { GitLock } from '../../repository/types.ts';
import { checkNewPackage, resolveSource } from '../checks.ts';
import { editRootKptfile, readRootKptfile } from '../root-kptfile.ts';
import type { CloneTask, Mutation, MutationContext } from '../types.ts';
import { withDeploymentContext } from './deployment-context.ts';
import { withMergeKeys } from './merge-keys.ts';

/**
 * A new package that is a copy of another one, its upstream: every file of it, with the Kptfile saying who the copy is
 * and where it came from, and merge keys for later upgrades.
 * @throws TerminalError PackageExists, PackageOverlap, SourceNotFound, SourceNotPublished, NotImplemented (OCI),
 * KptfileMissing, InvalidKptfile
 */
export function clone(task: CloneTask['clone']): Mutation {
  return {
    name: 'clone',
    async apply(context) {
      const { target } = context;
      checkNewPackage(target, 'clone');
      const upstream = await fetchUpstream(task, context);
      readRootKptfile(upstream.content);
      let pkg = withUpstream(upstream.content, target.package, upstream.lock);
      const warnings: string[] = [];
      if (target.deployment) {
        const path = [...(target.parentPath ?? []), target.package].join('/');
        const deployed = withDeploymentContext(pkg, { name: target.package, 'package-path': path });
        pkg = deployed.pkg;
        warnings.push(...deployed.warnings);
      }
      const marked = withMergeKeys(pkg);
      return { pkg: marked.pkg, result: { warnings: [...warnings, ...marked.warnings] } };
    },
  };
}

async function fetchUpstream(
  task: CloneTask['clone'],
  context: MutationContext,
): Promise<{ readonly content: Package; readonly lock: GitLock }> {
  if (task.upstreamRef) return resolveSource(context, task.upstreamRef.name, 'spec.source.cloneFrom.upstreamRef.name');
  if (task.git) {
    const directory = normaliseDirectory(task.git.directory ?? '');
    return context.sources.git({ ...task.git, directory }, context.signal);
  }
  throw new TerminalError('NotImplemented', 'clone from OCI is not implemented', { field: 'spec.source.cloneFrom' });
}

/**
 * The package under a new name, with its upstream and the lock on it in the root Kptfile.
 * @throws TerminalError KptfileMissing, InvalidKptfile
 */
export function withUpstream(pkg: Package, name: string, lock: GitLock): Package {
  const { repo, directory, ref, commit } = lock.git;
  const locator = { repo: normaliseRepo(repo), ...directoryField(directory), ref };
  return editRootKptfile(pkg, (kptfile) => ({
    ...setIn(kptfile, ['metadata', 'name'], name),
    upstream: { type: 'git', git: locator },
    upstreamLock: { type: 'git', git: { ...locator, commit } },
  }));
}

/** The URL as Kptfiles hold it, with `.git` at its end, so that one repository has one spelling. */
export function normaliseRepo(url: string): string {
  const trimmed = url.replace(/\/+$/, '');
  return trimmed.endsWith('.git') ? trimmed : `${trimmed}.git`;
}

/** The directory of a package as Kptfiles hold it: `pkgs/web` for `/pkgs/web`, `pkgs/web/` and `./pkgs/web`; '' is the root. */
export function normaliseDirectory(directory: string): string {
  return directory
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

/** Absent for a package that is the whole repository, as Porch leaves it out. */
function directoryField(directory: string): { readonly directory?: string } {
  const normalised = normaliseDirectory(directory);
  return normalised === '' ? {} : { directory: normalised };
}

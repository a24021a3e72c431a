import { TerminalError } from '../../api/errors.ts';
import { setIn } from '../../krm/value.ts';
import type { Package } from '../../package/package.ts';
import type { UpstreamLock } from '../../repository/types.ts';
import { checkNewPackage, resolveSource } from '../checks.ts';
import { editRootKptfile, readRootKptfile } from '../root-kptfile.ts';
import type { CloneTask, Mutation, MutationContext } from '../types.ts';
import { withDeploymentContext } from './deployment-context.ts';
import { withMergeKeys } from './merge-keys.ts';
import { normaliseDirectory, upstreamFields } from './upstream-fields.ts';

/**
 * A new package that is a copy of another one, its upstream: every file of it, with the Kptfile saying who the copy is
 * and where it came from, and merge keys for later upgrades.
 * @throws TerminalError PackageExists, PackageOverlap, SourceNotFound, SourceNotPublished,
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
): Promise<{ readonly content: Package; readonly lock: UpstreamLock }> {
  if (task.upstreamRef) return resolveSource(context, task.upstreamRef.name, 'spec.source.cloneFrom.upstreamRef.name');
  if (task.git) {
    const directory = normaliseDirectory(task.git.directory ?? '');
    return context.sources.git({ ...task.git, directory }, context.signal);
  }
  if (task.oci) return context.sources.image(task.oci, context.signal);
  throw new TerminalError('InvalidSource', 'nothing is named to clone from', { field: 'spec.source.cloneFrom' });
}

/**
 * The package under a new name, with its upstream and the lock on it in the root Kptfile.
 * @throws TerminalError KptfileMissing, InvalidKptfile
 */
export function withUpstream(pkg: Package, name: string, lock: UpstreamLock): Package {
  return editRootKptfile(pkg, (kptfile) => ({
    ...setIn(kptfile, ['metadata', 'name'], name),
    ...upstreamFields(lock),
  }));
}

import { MissingError, TerminalError } from '../api/errors.ts';
import { validateNoOverlap } from '../repository/names.ts';
import type { MutationContext, ResolvedRevision, TaskTarget } from './types.ts';

/**
 * The revision that a task refers to, checked to be one that may be built on: published (also while its deletion is
 * proposed), or the head of a registered branch.
 * @param field where the name stands in the task, for messages
 * @throws MissingError SourceNotFound, SourceNotPublished
 */
export async function resolveSource(context: MutationContext, name: string, field: string): Promise<ResolvedRevision> {
  const source = await context.sources.revision(name, context.signal);
  if (source.branchHead || source.lifecycle === 'Published' || source.lifecycle === 'DeletionProposed') return source;
  throw new MissingError(
    'SourceNotPublished',
    `package revision ${name} is ${source.lifecycle}; it must be published`,
    at(context.target, field),
  );
}

/**
 * For tasks that make a new revision of a package out of an old one.
 * @throws TerminalError SourceOfOtherRepository, SourceOfOtherPackage
 */
export function checkSamePackage(target: TaskTarget, source: ResolvedRevision, field: string): void {
  if (source.repository !== target.repository) {
    throw new TerminalError(
      'SourceOfOtherRepository',
      `package revision ${source.name} is in repository ${source.repository}; it must be from same repository (${target.repository})`,
      at(target, field),
    );
  }
  if (source.package !== target.package) {
    throw new TerminalError(
      'SourceOfOtherPackage',
      `package revision ${source.name} is of package ${source.package}; it must be same package (${target.package})`,
      at(target, field),
    );
  }
}

/**
 * For tasks that start a package: it must not exist yet, nor lie in or around another one.
 * @throws TerminalError PackageExists, PackageOverlap
 */
export function checkNewPackage(target: TaskTarget, task: string): void {
  try {
    validateNoOverlap(target.package, target.existingPackages);
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    const advice =
      error.reason === 'PackageExists'
        ? `; \`${task}\` cannot create a new revision of it, make subsequent revisions using \`copy\``
        : '';
    throw new TerminalError(
      error.reason,
      `${error.message} (${target.repository})${advice}`,
      at(target, 'spec.packageName'),
    );
  }
}

function at(target: TaskTarget, field: string): { readonly object: string; readonly field: string } {
  return { object: target.object, field };
}

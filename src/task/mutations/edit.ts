import { checkSamePackage, resolveSource } from '../checks.ts';
import type { EditTask, Mutation } from '../types.ts';

/**
 * A new revision with the content of another one of the same package, verbatim: name, upstream and lock stay.
 * @throws TerminalError SourceNotFound, SourceNotPublished, SourceOfOtherRepository, SourceOfOtherPackage
 */
export function edit(task: EditTask['edit']): Mutation {
  const field = 'spec.source.copyFrom.name';
  return {
    name: 'edit',
    async apply(context) {
      const source = await resolveSource(context, task.sourceRef.name, field);
      checkSamePackage(context.target, source, field);
      return { pkg: source.content, result: {} };
    },
  };
}

import { deleteIn, valuesEqual } from '../krm/value.ts';
import { Package } from '../package/package.ts';
import { KPTFILE } from '../package/subpackages.ts';
import type { CommitInfo, Draft, TaskRecord } from '../repository/types.ts';
import { mutationFor, RENDER_RECORD, taskRecord } from './mapping.ts';
import { type PackageMetadata, replaceMetadata, upsertMetadata } from './mutations/metadata.ts';
import { render } from './mutations/render.ts';
import { replaceResources, type WantedContent } from './mutations/replace-resources.ts';
import { readRootKptfile } from './root-kptfile.ts';
import type { Mutation, MutationContext, MutationResult, Task } from './types.ts';

export interface TaskOptions {
  /** Keep content whose pipeline failed, with the failure in `result.render`; without it a RenderError is thrown. */
  readonly pushOnRenderFailure?: boolean;
}

export interface MutationsRequest extends TaskOptions {
  /** Run in this order, before metadata and render. */
  readonly mutations?: readonly Mutation[];
  readonly metadata?: PackageMetadata;
}

/** One mutation that ran. */
export interface TaskStep {
  readonly name: string;
  readonly changed: boolean;
  readonly warnings: readonly string[];
}

/** What to commit, and what to tell about it. */
export interface TaskOutcome {
  readonly pkg: Package;
  readonly record: TaskRecord;
  /** False when the package is what it was: there is nothing to commit. */
  readonly changed: boolean;
  /** In the order they ran. */
  readonly steps: readonly TaskStep[];
  /** The results of all steps in one. */
  readonly result: MutationResult;
}

/**
 * Turns tasks into content. Works on values only: nothing is written, so a failure leaves nothing behind. All methods
 * throw a VerandaError (RenderError for a failing pipeline) or the signal's reason.
 */
export class TaskHandler {
  /** Makes the content of a new package revision: task, then mutations, then metadata, then render. */
  async applyTask(task: Task, request: MutationsRequest, context: MutationContext): Promise<TaskOutcome> {
    const steps = [
      mutationFor(task),
      ...(request.mutations ?? []),
      upsertMetadata(request.metadata ?? {}),
      render(request),
    ];
    return run(taskRecord(task), Package.empty, steps, context);
  }

  /** Changes a draft as its object asks: mutations, metadata, render. */
  async doPackageRevisionMutations(
    pkg: Package,
    request: MutationsRequest,
    context: MutationContext,
  ): Promise<TaskOutcome> {
    const steps = [...(request.mutations ?? []), replaceMetadata(request.metadata ?? {}), render(request)];
    return run(RENDER_RECORD, pkg, steps, context);
  }

  /**
   * Takes over content that a user wrote: the whole content as the user was shown it and changed it, or single files.
   */
  async doPackageRevisionResourceMutations(
    oldPkg: Package,
    content: WantedContent,
    options: TaskOptions,
    context: MutationContext,
  ): Promise<TaskOutcome> {
    return run(RENDER_RECORD, oldPkg, [replaceResources(content), render(options)], context);
  }

  /**
   * Whether mutations would change content that others made, leaving aside what its Kptfile says of its last run
   * (`status`). Content that differs before a render but not after it is the same: its pipeline has the last word.
   */
  async wouldChange(pkg: Package, mutations: readonly Mutation[], context: MutationContext): Promise<boolean> {
    const mutated = await run(RENDER_RECORD, pkg, mutations, context);
    if (sameContent(pkg, mutated.pkg)) return false;
    const rendered = await run(RENDER_RECORD, mutated.pkg, [render({ pushOnRenderFailure: true })], context);
    return !sameContent(pkg, rendered.pkg);
  }
}

/** Writes an outcome to a draft as one commit, if it changed anything. Nobody sees it before the draft is closed. */
export async function commitTo(draft: Draft, outcome: TaskOutcome, info: Omit<CommitInfo, 'task'> = {}): Promise<void> {
  if (outcome.changed) await draft.update(outcome.pkg, { ...info, task: outcome.record });
}

async function run(
  record: TaskRecord,
  before: Package,
  mutations: readonly Mutation[],
  context: MutationContext,
): Promise<TaskOutcome> {
  let pkg = before;
  let result: MutationResult = {};
  const steps: TaskStep[] = [];
  for (const mutation of mutations) {
    context.signal.throwIfAborted();
    const done = await mutation.apply(context, pkg);
    steps.push({ name: mutation.name, changed: changed(pkg, done.pkg), warnings: done.result.warnings ?? [] });
    pkg = done.pkg;
    result = mergeResults(result, done.result);
  }
  readRootKptfile(pkg);
  return { pkg, record, changed: changed(before, pkg), steps, result };
}

function changed(before: Package, after: Package): boolean {
  return before !== after && before.hash() !== after.hash();
}

function sameContent(a: Package, b: Package): boolean {
  const kptfileOf = (pkg: Package) => deleteIn(readRootKptfile(pkg).raw, ['status']);
  const without = (pkg: Package) => pkg.edit([[KPTFILE, null]]);
  return valuesEqual(kptfileOf(a), kptfileOf(b)) && !changed(without(a), without(b));
}

function mergeResults(first: MutationResult, second: MutationResult): MutationResult {
  return {
    warnings: [...(first.warnings ?? []), ...(second.warnings ?? [])],
    conflicts: [...(first.conflicts ?? []), ...(second.conflicts ?? [])],
    unmetInjections: second.unmetInjections ?? first.unmetInjections,
    render: second.render ?? first.render,
  };
}

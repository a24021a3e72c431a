import { TerminalError } from '../../api/errors.ts';
import type { Kptfile } from '../../krm/kptfile.ts';
import { isMap } from '../../krm/value.ts';
import { mergePackages } from '../../merge/merge-packages.ts';
import type { MergeInput, MergeOptions, MergeResult } from '../../merge/types.ts';
import type { Package } from '../../package/package.ts';
import { KPTFILE } from '../../package/subpackages.ts';
import type { GitLock, UpstreamLock } from '../../repository/types.ts';
import { checkSamePackage, resolveSource } from '../checks.ts';
import { editRootKptfile, readRootKptfile } from '../root-kptfile.ts';
import { UPGRADE_STRATEGIES } from '../source.ts';
import type {
  Mutation,
  MutationContext,
  ResolvedRevision,
  RevisionUpgrade,
  UpgradeStrategy,
  UpgradeTask,
} from '../types.ts';
import { imageEnds, type UpgradeEnds } from './image-upgrade.ts';
import { withMergeKeys } from './merge-keys.ts';
import { normaliseDirectory, normaliseRepo, upstreamFields } from './upstream-fields.ts';

const FIELD = 'spec.source.upgrade';

/**
 * A new revision of a package on a newer (or older) revision of its upstream: what upstream changed since the package
 * was cloned or upgraded last is merged into it. What "last" was is read from the package's own upstream lock, by
 * commit, so that neither a deleted revision nor a moved tag matters.
 * @throws TerminalError SourceNotFound, SourceNotPublished, SourceOfOtherRepository, SourceOfOtherPackage, NoUpstream,
 * UpstreamMismatch, InvalidStrategy, and what the merge throws; what registries are asked for throws too
 */
export function upgrade(task: UpgradeTask['upgrade']): Mutation {
  return {
    name: 'upgrade',
    async apply(context) {
      const local = await resolveSource(context, task.currentPackage.name, `${FIELD}.currentPackage.name`);
      checkSamePackage(context.target, local, `${FIELD}.currentPackage.name`);
      const kptfile = readRootKptfile(local.content);
      const { base, updated, ...ends } =
        'oci' in task ? await imageEnds(task, local, context) : await revisionEnds(task, local, context);
      const strategy = strategyOf(task, kptfile);
      const input = { base, local: local.content, updated: updated.content };
      const merged = await mergeWithRender(input, { strategy, independent: 'merge' }, context);
      const located = withNewUpstream(merged.pkg, kptfile, updated.lock);
      const marked = withMergeKeys(located);
      const warnings = [...ends.warnings, ...mergeWarnings(merged), ...marked.warnings];
      return { pkg: marked.pkg, result: { warnings, conflicts: merged.conflicts } };
    },
  };
}

/**
 * A pipeline changes nearly every resource, so that those that upstream removed look edited. Only then the base is
 * rendered as the local package is, to tell what people edited from what functions did.
 */
async function mergeWithRender(
  input: MergeInput,
  options: MergeOptions,
  context: MutationContext,
): Promise<MergeResult> {
  const merge = async (packages: MergeInput): Promise<MergeResult> =>
    (await context.merger?.merge(packages, options, context.signal)) ?? mergePackages(packages, options);
  const merged = await merge(input);
  if (!merged.conflicts.some(({ resource, resolution }) => resource && resolution === 'kept')) return merged;
  const kptfile = input.local.get(KPTFILE);
  const marked = withMergeKeys(kptfile ? input.base.edit([[KPTFILE, kptfile]]) : input.base).pkg;
  const { package: rendered, report } = await context.renderer.render(marked, { signal: context.signal });
  return report.failure ? merged : await merge({ ...input, rendered });
}

interface Base {
  readonly content: Package;
  readonly warnings: readonly string[];
}

async function revisionEnds(
  task: RevisionUpgrade,
  local: ResolvedRevision,
  context: MutationContext,
): Promise<UpgradeEnds> {
  const updated = await resolveSource(context, task.newUpstream.name, `${FIELD}.newUpstream.name`);
  const { content, warnings } = await resolveBase(task, local, updated, context);
  return { base: content, updated, warnings };
}

/** Content that the package was made from, after checks that all three revisions belong together. */
async function resolveBase(
  task: RevisionUpgrade,
  local: ResolvedRevision,
  updated: ResolvedRevision,
  context: MutationContext,
): Promise<Base> {
  const old = await resolveOldUpstream(task, context);
  if (context.target.trustOldUpstream) {
    if (old) return { content: old.content, warnings: downgradeWarnings(old.lock, old, updated) };
    throw mismatch(context, 'oldUpstream', `package revision ${task.oldUpstream.name} does not exist`);
  }
  const lock = lockOf(local, context);
  if (old && !isOf(old.lock, lock)) {
    throw mismatch(context, 'oldUpstream', `${local.name} was made from ${describe(lock)}, not from ${old.name}`);
  }
  if (!isSamePlace(updated.lock.git, lock.git)) {
    throw mismatch(context, 'newUpstream', `${updated.name} is of another package than ${describe(lock)}`);
  }
  const content = old?.lock.git.commit === lock.git.commit ? old.content : await readLocked(task, lock, old, context);
  return { content, warnings: downgradeWarnings(lock, old, updated) };
}

/** Undefined when there is no such revision any more. */
async function resolveOldUpstream(
  { oldUpstream }: RevisionUpgrade,
  context: MutationContext,
): Promise<ResolvedRevision | undefined> {
  try {
    return await resolveSource(context, oldUpstream.name, `${FIELD}.oldUpstream.name`);
  } catch (error) {
    if (error instanceof TerminalError && error.reason === 'SourceNotFound') return undefined;
    throw error;
  }
}

async function readLocked(
  { oldUpstream }: RevisionUpgrade,
  lock: GitLock,
  old: ResolvedRevision | undefined,
  context: MutationContext,
): Promise<Package> {
  try {
    return (await context.sources.locked(lock, context.signal)).content;
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    const gone = old ? `${old.name} is at another commit now` : `package revision ${oldUpstream.name} does not exist`;
    throw new TerminalError('SourceNotFound', `${gone}, and ${describe(lock)} cannot be read: ${error.message}`, {
      object: context.target.object,
      field: `${FIELD}.oldUpstream.name`,
      cause: error,
    });
  }
}

function lockOf(local: ResolvedRevision, { target }: MutationContext): GitLock {
  const { git, oci } = readRootKptfile(local.content).upstreamLock ?? {};
  if (git?.repo && git.commit) {
    return {
      type: 'git',
      git: { repo: git.repo, directory: git.directory ?? '', ref: git.ref ?? '', commit: git.commit },
    };
  }
  if (oci) {
    const message = `${local.name} was made from the image ${oci.image}; name the one to move to in ${FIELD}.oci`;
    throw new TerminalError('UpstreamMismatch', message, { object: target.object, field: `${FIELD}.newUpstream` });
  }
  throw new TerminalError('NoUpstream', `${local.name} has no upstream lock: it was not made from another package`, {
    object: target.object,
    field: `${FIELD}.currentPackage.name`,
  });
}

/** The revision that the lock names: the same commit, or the same ref, which may have been moved since. */
function isOf(revision: GitLock, lock: GitLock): boolean {
  if (!isSamePlace(revision.git, lock.git)) return false;
  return revision.git.commit === lock.git.commit || revision.git.ref === lock.git.ref;
}

interface Place {
  readonly repo?: string;
  readonly directory?: string;
}

/** One directory of one repository, however URL and path are spelt. */
export function isSamePlace(a: Place, b: Place): boolean {
  return (
    normaliseRepo(a.repo ?? '') === normaliseRepo(b.repo ?? '') &&
    normaliseDirectory(a.directory ?? '') === normaliseDirectory(b.directory ?? '')
  );
}

function describe({ git: { repo, directory, ref, commit } }: GitLock): string {
  return `${repo}${directory === '' ? '' : `//${normaliseDirectory(directory)}`}@${ref} (${commit.slice(0, 12)})`;
}

function mismatch({ target }: MutationContext, field: string, message: string): TerminalError {
  return new TerminalError('UpstreamMismatch', message, { object: target.object, field: `${FIELD}.${field}.name` });
}

/** @throws TerminalError InvalidStrategy for one that the Kptfile names */
function strategyOf({ strategy }: UpgradeTask['upgrade'], { upstream }: Kptfile): UpgradeStrategy {
  const wanted = strategy ?? upstream?.updateStrategy ?? 'resource-merge';
  const known = UPGRADE_STRATEGIES.find((candidate) => candidate === wanted);
  if (known) return known;
  throw new TerminalError(
    'InvalidStrategy',
    `update strategy ${JSON.stringify(wanted)} is not one of ${UPGRADE_STRATEGIES.join(', ')}`,
    { file: 'Kptfile', field: 'upstream.updateStrategy' },
  );
}

/** The package's own name stays, and so does all else that its `upstream` says. */
function withNewUpstream(pkg: Package, { name }: Kptfile, lock: UpstreamLock): Package {
  const { upstream, upstreamLock } = upstreamFields(lock);
  return editRootKptfile(pkg, (kptfile) => ({
    ...kptfile,
    ...(name === '' ? {} : { metadata: { ...(isMap(kptfile.metadata) ? kptfile.metadata : {}), name } }),
    upstream: { ...(isMap(kptfile.upstream) ? kptfile.upstream : {}), ...upstream },
    upstreamLock,
  }));
}

function downgradeWarnings(lock: GitLock, old: ResolvedRevision | undefined, updated: ResolvedRevision): string[] {
  const [from, to] = [old?.revision ?? revisionOf(lock.git.ref), updated.revision ?? revisionOf(updated.lock.git.ref)];
  if (from === undefined || to === undefined || from < 1 || to < 1 || to >= from) return [];
  return [`downgrade: the upstream goes back from revision ${from} to ${to}`];
}

/** Published revisions are tagged `<package>/v<N>`. */
function revisionOf(ref: string): number | undefined {
  const number = /(?:^|\/)v(\d+)$/.exec(ref)?.[1];
  return number === undefined ? undefined : Number(number);
}

function mergeWarnings({ warnings, omittedConflicts }: MergeResult): string[] {
  return omittedConflicts === 0 ? [...warnings] : [...warnings, `${omittedConflicts} more conflicts are not listed`];
}

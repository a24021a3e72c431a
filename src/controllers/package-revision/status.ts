import type { PackageRevisionStatus, RenderStatus, RenderStepStatus } from '../../api/generated/package-revision.ts';
import { readKptfile } from '../../krm/kptfile.ts';
import type { KrmValue } from '../../krm/value.ts';
import { hideSecretValues } from '../../merge/hide-secrets.ts';
import type { MergeConflict } from '../../merge/types.ts';
import type { Package } from '../../package/package.ts';
import { KPTFILE } from '../../package/subpackages.ts';
import type { RenderReport, RenderStep } from '../../render/types.ts';
import type { RevisionInfo } from '../../repository/types.ts';
import type { TaskOutcome } from '../../task/handler.ts';

/** Numbers that keep an object far below etcd's limit however much a pipeline says. */
const LIMITS = { steps: 50, results: 20, warnings: 20, text: 1024, conflicts: 50, value: 512 } as const;

/** Fields that follow from where the revision stands in git. */
export function gitStatus(info: RevisionInfo, deployment: boolean): Partial<PackageRevisionStatus> {
  return {
    revision: info.revision,
    observedCommit: info.commit,
    observedLifecycle: info.lifecycle,
    packageTree: info.tree,
    selfLock: info.lock,
    deployment,
    ...(info.published
      ? {
          publishedBy: info.published.email,
          publishedAt: new Date(info.published.at * 1000).toISOString().replace('.000Z', 'Z'),
        }
      : {}),
  };
}

const CREATION_SOURCE = { init: 'init', clone: 'clone', edit: 'copy', upgrade: 'upgrade' } as const;

/** Fields that follow from running tasks on the content. */
export function outcomeStatus(
  outcome: TaskOutcome,
  info: RevisionInfo,
  inputHash: string | undefined,
): Partial<PackageRevisionStatus> {
  const { type } = outcome.record;
  const creation = type in CREATION_SOURCE ? CREATION_SOURCE[type as keyof typeof CREATION_SOURCE] : undefined;
  return {
    ...(creation ? { creationSource: creation } : {}),
    ...(inputHash ? { inputHash } : {}),
    ...(outcome.result.render ? { renderStatus: renderStatus(outcome.result.render, info.commit) } : {}),
    tasks: outcome.steps.map(({ name, changed }) => ({ name, ...(changed ? { commit: info.commit } : {}) })),
    ...(creation
      ? { mergeConflicts: (outcome.result.conflicts ?? []).slice(0, LIMITS.conflicts).map(conflictStatus) }
      : {}),
  };
}

type ConflictStatus = NonNullable<PackageRevisionStatus['mergeConflicts']>[number];

/** A conflict as the object shows it: values that are long are cut text, and those of Secrets are not shown. */
function conflictStatus(conflict: MergeConflict): ConflictStatus {
  const { base, local, upstream, ...where } = hideSecretValues(conflict);
  const values = Object.entries({ base, local, upstream }).filter(([, value]) => value !== undefined);
  return { ...where, ...Object.fromEntries(values.map(([side, value]) => [side, shownValue(value ?? null)])) };
}

function shownValue(value: KrmValue): KrmValue {
  const text = JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? String(part) : part));
  return text.length > LIMITS.value ? `${text.slice(0, LIMITS.value)}…` : (JSON.parse(text) as KrmValue);
}

/** What an object mirrors of its package. */
export interface KptfileMirror {
  readonly status: Pick<PackageRevisionStatus, 'upstreamLock' | 'packageConditions'>;
  /** Readiness gates that the Kptfile asks for. */
  readonly gates: readonly string[];
}

/** Without a Kptfile there is nothing to mirror. @throws TerminalError InvalidKptfile */
export function mirrorOf(pkg: Package): KptfileMirror {
  const file = pkg.get(KPTFILE);
  if (!file) return { status: {}, gates: [] };
  const { kptfile } = readKptfile(KPTFILE, file.bytes);
  const packageConditions = kptfile.conditions.map(({ type, status, reason, message }) => ({
    type,
    status,
    ...(reason ? { reason } : {}),
    ...(message ? { message } : {}),
  }));
  return { status: { upstreamLock: kptfile.upstreamLock, packageConditions }, gates: kptfile.readinessGates };
}

export function renderStatus(report: RenderReport, commit: string | undefined): RenderStatus {
  const steps = report.steps.slice(0, LIMITS.steps).map(stepStatus);
  return {
    ...(commit ? { commit } : {}),
    ...(report.failure ? { failure: { reason: report.failure.reason, message: clip(report.failure.message) } } : {}),
    steps,
    ...(report.steps.length > LIMITS.steps ? { omitted: report.steps.length - LIMITS.steps } : {}),
    ...(report.warnings.length > 0 ? { warnings: report.warnings.slice(0, LIMITS.warnings).map(clip) } : {}),
  };
}

/** Names each field: what a renderer tells beside them, such as times, would make a status differ that says the same. */
function stepStatus(step: RenderStep): RenderStepStatus {
  const { phase, packagePath, name, image, exec, runtime, exitCode, stderr, executionError } = step;
  return {
    phase,
    packagePath,
    ...(name ? { name } : {}),
    ...(image ? { image } : {}),
    ...(exec ? { exec } : {}),
    ...(runtime ? { runtime } : {}),
    exitCode,
    ...(stderr === undefined ? {} : { stderr: clip(stderr) }),
    ...(executionError === undefined ? {} : { executionError }),
    results: step.results
      .slice(0, LIMITS.results)
      .map((result) => ({ ...result, message: clip(result.message) })) as RenderStepStatus['results'],
  };
}

function clip(text: string): string {
  return text.length > LIMITS.text ? `${text.slice(0, LIMITS.text)}…` : text;
}

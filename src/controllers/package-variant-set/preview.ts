import type { PreviewedChange, SetPreview } from '../../api/generated/package-variant-set.ts';
import { isMap, sameJson } from '../../kube/json.ts';
import type { SetPlan } from './plan.ts';

/** Changes that status names, and fields of each of them. */
const MAX_CHANGES = 100;
const MAX_FIELDS = 32;

/** What carrying out a plan would do. Pure. */
export function previewOf({ variants, remove }: SetPlan): SetPreview {
  const changes: PreviewedChange[] = variants.flatMap(({ name, target, spec, change, existing }) => {
    if (change !== 'create' && change !== 'update') return [];
    const { repo, package: pkg } = spec.downstream;
    const fields = existing ? [...changedFields(existing.spec, spec, 'spec')].slice(0, MAX_FIELDS) : undefined;
    return [{ action: change, variant: name, repo, package: pkg, target, ...(fields ? { fields } : {}) }];
  });
  const removals = remove.map(({ metadata, spec }): PreviewedChange => {
    return { action: 'delete', variant: metadata.name, repo: spec.downstream.repo, package: spec.downstream.package };
  });
  const count = (action: PreviewedChange['action']) => changes.filter((change) => change.action === action).length;
  return {
    create: count('create'),
    update: count('update'),
    delete: removals.length,
    unchanged: variants.length - changes.length,
    changes: [...removals, ...changes].slice(0, MAX_CHANGES),
  };
}

export function describePreview({ create, update, delete: removed, unchanged }: SetPreview): string {
  return `${create} variants would be made, ${update} changed, ${removed} deleted, ${unchanged} are as wanted; nothing is written`;
}

/** Paths of the smallest parts that differ; a list is one part. */
export function* changedFields(before: unknown, after: unknown, path: string): Generator<string> {
  if (sameJson(before, after)) return;
  if (!isMap(before) || !isMap(after)) {
    yield path;
    return;
  }
  for (const key of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()) {
    yield* changedFields(before[key], after[key], /^[A-Za-z]\w*$/.test(key) ? `${path}.${key}` : `${path}["${key}"]`);
  }
}

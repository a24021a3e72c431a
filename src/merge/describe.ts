import { describeId } from '../krm/identity.ts';
import type { KrmValue } from '../krm/value.ts';
import { hideSecretValues } from './hide-secrets.ts';
import type { MergeConflict } from './types.ts';

const MAX_VALUE = 120;

/** One conflict in one line: where it is, the three values (not those of Secrets), what was taken. */
export function describeConflict(conflict: MergeConflict): string {
  const { resource, file, field, base, local, upstream, resolution } = hideSecretValues(conflict);
  const id =
    resource &&
    describeId({
      group: '',
      kind: resource.kind ?? '',
      namespace: resource.namespace ?? '',
      name: resource.name ?? '',
    });
  const place = [file, id, field].filter(Boolean).join(' ');
  if (field === undefined) return `${place}: ${WHOLE[resolution]}`;
  const values = [`base ${shownValue(base)}`, `local ${shownValue(local)}`, `upstream ${shownValue(upstream)}`].join(
    ', ',
  );
  return `${place}: ${values}; ${TAKEN[resolution]}`;
}

const SHOWN_CONFLICTS = 3;

/** The number of conflicts and the first of them, for an event. */
export function conflictSummary(conflicts: readonly MergeConflict[]): string {
  const first = conflicts.slice(0, SHOWN_CONFLICTS).map(describeConflict).join(' | ');
  const more = conflicts.length > SHOWN_CONFLICTS ? ` | and ${conflicts.length - SHOWN_CONFLICTS} more` : '';
  return `${conflicts.length} merge ${conflicts.length === 1 ? 'conflict' : 'conflicts'}: ${first}${more}`;
}

const TAKEN: { readonly [resolution in MergeConflict['resolution']]: string } = {
  local: 'the local value was kept',
  upstream: 'the upstream value was taken',
  merged: 'both were merged',
  deleted: 'it is not there any more',
  kept: 'it was kept',
};

const WHOLE: { readonly [resolution in MergeConflict['resolution']]: string } = {
  local: 'changed on both sides; the local version was kept',
  upstream: 'changed locally; the upstream version was taken',
  merged: 'changed on both sides; both were merged',
  deleted: 'deleted on one side and changed on the other; it is not there any more',
  kept: 'removed upstream but changed locally; it was kept',
};

/** A value in one line, cut where it is long. */
export function shownValue(value: KrmValue | undefined): string {
  if (value === undefined) return '(none)';
  const text = JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? String(item) : item));
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}…` : text;
}

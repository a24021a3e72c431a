import type { Repository } from '../../api/kinds.ts';
import { READ_ONLY_ANNOTATION } from '../../api/labels.ts';
import { objectKey } from '../../api/object.ts';
import { directoriesOverlap } from '../../repository/address.ts';

/** Whether nothing may be written to the repository. */
export function isReadOnly({ metadata }: Repository): boolean {
  return metadata.annotations?.[READ_ONLY_ANNOTATION] === 'true';
}

/**
 * The Repository that keeps another from being used: drafts and tags carry no name of a branch, so two writers of one directory of
 * one remote would take each other's revisions for their own. The one that was there first has the place, and those that are
 * read-only are in nobody's way. Pure.
 * @param neighbours all Repository objects on the same remote, in any namespace
 */
export function placeHolder(object: Repository, neighbours: readonly Repository[]): Repository | undefined {
  if (isReadOnly(object)) return undefined;
  const writers = neighbours.filter((other) => !isReadOnly(other) && other.metadata.deletionTimestamp === undefined);
  const holders: Repository[] = [];
  for (const candidate of writers.toSorted(byAge)) {
    const holder = holders.find((other) => directoriesOverlap(directoryOf(other), directoryOf(candidate)));
    if (candidate.metadata.uid === object.metadata.uid) return holder;
    if (!holder) holders.push(candidate);
  }
  return undefined;
}

/** What a user is told who has registered the second one. */
export function overlapMessage(holder: Repository): string {
  const directory = directoryOf(holder);
  const what = directory === '' ? 'the whole of this address' : `directory ${directory} of this address`;
  return (
    `Repository ${objectKey(holder.metadata)} writes to ${what} already: delete one of the two, ` +
    `give them directories apart, or make one read-only by the annotation ${READ_ONLY_ANNOTATION}: "true"`
  );
}

function directoryOf({ spec }: Repository): string {
  return spec?.git?.directory ?? '';
}

/** Of those that came within one second, as from one manifest, the first by name. */
function byAge(a: Repository, b: Repository): number {
  const [left, right] = [a, b].map(({ metadata }) => `${metadata.creationTimestamp ?? ''} ${objectKey(metadata)}`);
  return (left ?? '') < (right ?? '') ? -1 : 1;
}

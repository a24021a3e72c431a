import { TerminalError } from '../api/errors.ts';
import { type ImageReference, imageName, parseImage } from '../functions/image.ts';
import { isVersion, VersionRange } from '../functions/versions.ts';
import type { FunctionSpec } from '../krm/function-spec.ts';

/** What a step's `image` and `tag` say together. */
export interface WantedImage {
  /** `<prefix>/<base>` */
  readonly name: string;
  /** `:<tag>`, `@<digest>` or both; absent when a range has to be looked up first. */
  readonly suffix?: string;
  readonly range?: VersionRange;
  /** As it was written, for messages. */
  readonly tag?: string;
}

/** As people write it; for messages. */
export function describeWanted({ name, suffix, tag = '' }: WantedImage): string {
  return `${name}${suffix ?? `:${tag}`}`;
}

const TAG = /^\w[\w.-]{0,127}$/;

/**
 * `tag` takes the place of the image's own tag and digest. It may be a version, which is taken as it is, a range of
 * versions, or any other tag.
 * @throws TerminalError InvalidTag
 */
export function wantedImage({ image = '', tag }: FunctionSpec): WantedImage | undefined {
  const reference = parseImage(image);
  if (reference === undefined) return undefined;
  const name = imageName(reference);
  if (!tag) return { name, suffix: ownSuffix(reference) };
  const range = isVersion(tag) ? undefined : VersionRange.parse(tag);
  if (range !== undefined) return { name, range, tag };
  if (!TAG.test(tag)) throw new TerminalError('InvalidTag', `${JSON.stringify(tag)} is no image tag`, { field: 'tag' });
  return { name, suffix: `:${tag}`, tag };
}

function ownSuffix({ tag, digest }: ImageReference): string {
  if (tag === undefined && digest === undefined) return ':latest';
  return `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** The highest version among `tags` that is in `range`; what is no release version is passed over. */
export function highestInRange(tags: readonly string[], range: VersionRange): string | undefined {
  const matching = tags.filter((tag) => isVersion(tag) && VersionRange.parse(tag)?.intersects(range) === true);
  return matching.sort(compareVersions).at(-1);
}

function compareVersions(a: string, b: string): number {
  const [left, right] = [versionParts(a), versionParts(b)];
  const differing = left.findIndex((part, at) => part !== right[at]);
  return differing < 0 ? 0 : (left[differing] ?? 0) - (right[differing] ?? 0);
}

function versionParts(version: string): number[] {
  return version.replace(/^v/, '').split('.').map(Number);
}

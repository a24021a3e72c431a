import { TerminalError } from '../api/errors.ts';
import { imageName, parseImage } from '../functions/image.ts';
import type { FunctionSpec } from '../krm/function-spec.ts';

/** Where the functions of the catalogue are published: what may run when nothing else is said. */
const CATALOG_IMAGES: readonly string[] = ['ghcr.io/kptdev', 'gcr.io/kpt-fn', 'builtins'];

/** Allows images of any place. */
export const ANY_IMAGE = '*';

/**
 * Checks a registry path that is put before image names without a slash; trailing slashes go.
 * @throws TerminalError InvalidImagePrefix
 */
export function cleanImagePrefix(prefix: string): string {
  if (/[\s?#]|:\/\//.test(prefix)) {
    const message = `image prefix ${JSON.stringify(prefix)} must be a registry path without scheme, "?", "#" and spaces`;
    throw new TerminalError('InvalidImagePrefix', message);
  }
  return prefix.replace(/\/+$/, '');
}

/** The function with its image's full name. */
export function qualifyImage(spec: FunctionSpec, prefix: string): FunctionSpec {
  if (spec.image === undefined || prefix === '' || spec.image.includes('/')) return spec;
  return { ...spec, image: `${prefix}/${spec.image}` };
}

/** The image that a step names, in full, for people: with prefix and tag. */
export function describeImage(spec: FunctionSpec, prefix: string): string | undefined {
  const { image, tag } = qualifyImage(spec, prefix);
  const reference = image === undefined ? undefined : parseImage(image);
  if (reference === undefined) return image;
  if (tag) return `${imageName(reference)}:${tag}`;
  return reference.tag === undefined && reference.digest === undefined ? `${image}:latest` : image;
}

/**
 * Where images may come from: the catalogue, where short names are, and what is configured.
 * @throws TerminalError InvalidImagePrefix
 */
export function allowedPlaces(imagePrefix: string, configured: readonly string[]): readonly string[] {
  return [...CATALOG_IMAGES, imagePrefix, ...configured.map(cleanImagePrefix)].filter((prefix) => prefix !== '');
}

/**
 * Whoever edits a Kptfile chooses what runs; this is where that ends.
 * @param allowed registry paths, compared part by part: `example.com/fns` allows `example.com/fns/a/b`
 * @throws TerminalError ImageNotAllowed
 */
export function checkImageAllowed(image: string, allowed: readonly string[]): void {
  const reference = parseImage(image);
  const name = reference === undefined ? image : imageName(reference);
  const isBelow = (prefix: string) => prefix === ANY_IMAGE || name === prefix || name.startsWith(`${prefix}/`);
  if (!name.includes('/') || allowed.some(isBelow)) return;
  const message = `the image ${JSON.stringify(image)} is from none of the places that functions may come from: `;
  throw new TerminalError('ImageNotAllowed', message + allowed.join(', '));
}

import { TerminalError } from '../api/errors.ts';
import type { FunctionSpec } from '../krm/function-spec.ts';

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

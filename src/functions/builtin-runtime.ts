import { errorMessage, TerminalError } from '../api/errors.ts';
import type { FunctionSpec } from '../krm/function-spec.ts';
import { CATALOG } from './catalog/registry.ts';
import { DEFAULT_IMAGE_PREFIX, type ImageReference, imageName, parseImage } from './image.ts';
import type { BuiltinFunction, FunctionRuntime, Runner } from './types.ts';
import { VersionRange } from './versions.ts';

/** Places that images of the catalogue are published or mirrored at; '' and `builtins` stand for no registry. */
const CATALOG_PREFIXES: readonly string[] = [
  DEFAULT_IMAGE_PREFIX,
  `${DEFAULT_IMAGE_PREFIX}/wasm`,
  'ghcr.io/kptdev',
  'gcr.io/kpt-fn',
  'builtins',
  '',
];

export interface BuiltinRuntimeOptions {
  /** Default: the whole catalogue. */
  readonly functions?: readonly BuiltinFunction[];
  /** Further registry paths whose images the functions stand for, such as a mirror of the catalogue. */
  readonly prefixes?: readonly string[];
  /** Functions by name that are switched off, or stand for the versions given here instead of their own. */
  readonly overrides?: BuiltinOverrides;
}

export type BuiltinOverrides = { readonly [name: string]: BuiltinOverride };

export interface BuiltinOverride {
  /** False: never; the function's images are left to other runtimes. */
  readonly enabled?: boolean;
  /** Range of image tags, as `versions` of the function. One that cannot be read matches nothing. */
  readonly versions?: string;
}

/**
 * Runs the functions of the catalogue in this process. A function stands for an image when the base name is its name,
 * the rest of the name a known place, and the tag in its version range; `latest` and no tag always are. `tag` of the
 * step wins over the image's tag and may be a range, which matches when the two ranges meet. A digest names exact
 * bytes, which a function built in here is not: it matches only when `tag` takes its place.
 */
export function createBuiltinRuntime(options: BuiltinRuntimeOptions = {}): FunctionRuntime {
  const prefixes = new Set([...CATALOG_PREFIXES, ...(options.prefixes ?? [])]);
  const functions = new Map((options.functions ?? CATALOG).map((builtin) => [builtin.name, builtin]));
  const overrides = new Map(Object.entries(options.overrides ?? {}));
  return {
    name: 'builtin',
    runner(spec) {
      const image = effectiveImage(spec);
      if (image === undefined) return undefined;
      const builtin = functions.get(image.base);
      if (builtin === undefined || !prefixes.has(image.prefix)) return undefined;
      if (!standsFor(builtin, image, overrides.get(image.base)) || builtin.available === false) return undefined;
      return new BuiltinRunner(builtin, `${imageName(image)}:${image.tag ?? 'latest'}`);
    },
  };
}

function effectiveImage({ image, tag }: FunctionSpec): ImageReference | undefined {
  const reference = image === undefined ? undefined : parseImage(image);
  if (reference === undefined || tag === undefined || tag === '') return reference;
  return { prefix: reference.prefix, base: reference.base, tag };
}

function standsFor(
  { versions }: BuiltinFunction,
  { tag, digest }: ImageReference,
  override: BuiltinOverride = {},
): boolean {
  if (digest !== undefined || override.enabled === false) return false;
  if (tag === undefined || tag === 'latest') return true;
  const wanted = VersionRange.parse(tag);
  return wanted !== undefined && VersionRange.parse(override.versions ?? versions)?.intersects(wanted) === true;
}

/**
 * The functions as they are configured when a render asks for them; with undefined there are none.
 * @param prefixes as in `BuiltinRuntimeOptions`
 */
export function changingBuiltins(
  overrides: () => BuiltinOverrides | undefined,
  prefixes: readonly string[] = [],
): FunctionRuntime {
  let [current, runtime] = [undefined as BuiltinOverrides | undefined, createBuiltinRuntime({ prefixes })];
  return {
    name: 'builtin',
    runner: (spec) => {
      const wanted = overrides();
      if (wanted === undefined) return undefined;
      if (wanted !== current) [current, runtime] = [wanted, createBuiltinRuntime({ prefixes, overrides: wanted })];
      return runtime.runner(spec);
    },
  };
}

class BuiltinRunner implements Runner {
  readonly resolved: string;
  readonly runtime = 'builtin';
  readonly #builtin: BuiltinFunction;

  constructor(builtin: BuiltinFunction, resolved: string) {
    this.#builtin = builtin;
    this.resolved = resolved;
  }

  async run(...[input, { signal }]: Parameters<Runner['run']>): ReturnType<Runner['run']> {
    signal.throwIfAborted();
    try {
      return this.#builtin.run(input);
    } catch (error) {
      throw new TerminalError('FunctionPanicked', `function panicked: ${errorMessage(error)}`, { cause: error });
    }
  }
}

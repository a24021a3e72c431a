import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildGoProgram, type GoProgram } from './go-program.ts';
import { BASE_FILES, type Image, type Layer, makeImage, makeLayer, type RunSettings } from './image.ts';

const FUNCTION = '/usr/local/bin/function';
const CATALOG = 'github.com/kptdev/krm-functions-catalog/functions/go';
const here = (folder: string) => join(import.meta.dirname, folder);

/** The functions of the catalogue that are built from their own sources, with the versions of their modules. */
export const CATALOG_VERSIONS = {
  'set-namespace': 'v0.4.5',
  'apply-replacements': 'v0.1.5',
  starlark: 'v0.5.5',
  'apply-setters': 'v0.2.2',
} as const;

export type FunctionName = keyof typeof CATALOG_VERSIONS | 'misbehaving';

/** A program of ours or of the catalogue, ready to be put into images with different settings. */
export interface FunctionImage {
  readonly name: FunctionName;
  /** Tag under which tests usually push it: the version of the module, or `v1`. */
  readonly tag: string;
  readonly image: Image;
  /** The same program in an image with other settings, such as arguments, a user or environment variables. */
  withSettings(settings: Partial<RunSettings>): Image;
}

/**
 * Images from nothing but the static program and /etc/passwd, whose entrypoint is `/usr/local/bin/function`. They say no
 * user, as those of the catalogue, so they run as root unless told otherwise.
 */
export async function buildFunctionImages(
  names: readonly FunctionName[] = [...(Object.keys(CATALOG_VERSIONS) as FunctionName[]), 'misbehaving'],
): Promise<ReadonlyMap<FunctionName, FunctionImage>> {
  const images = new Map<FunctionName, FunctionImage>();
  // One after the other: a build takes all processors.
  for (const name of names) images.set(name, await functionImage(name));
  return images;
}

/** Sleeps for ever: holds the namespaces of a pod. */
export async function buildPauseImage(): Promise<Image> {
  const program = { name: 'pause', module: here('pause'), package: '.' };
  return makeImage([await programLayer(program, '/pause')], { entrypoint: ['/pause'], user: '65534:65534' });
}

/** Path of the program of a function, for what runs it on this machine. */
export function buildFunction(name: FunctionName): Promise<string> {
  return buildGoProgram(sourceOf(name));
}

async function functionImage(name: FunctionName): Promise<FunctionImage> {
  const layer = await programLayer(sourceOf(name), FUNCTION);
  const withSettings = (settings: Partial<RunSettings>) => makeImage([layer], { entrypoint: [FUNCTION], ...settings });
  return { name, tag: name === 'misbehaving' ? 'v1' : CATALOG_VERSIONS[name], image: withSettings({}), withSettings };
}

function sourceOf(name: FunctionName): GoProgram {
  if (name === 'misbehaving') return { name, module: here('misbehaving'), package: '.' };
  // Its dependencies do not go with those of the others.
  const module = here(name === 'apply-setters' ? 'go/apply-setters' : 'go/catalog');
  return { name, module, package: `${CATALOG}/${name}` };
}

async function programLayer(program: GoProgram, path: string): Promise<Layer> {
  const content = await readFile(await buildGoProgram(program));
  return await makeLayer([...BASE_FILES, { path, mode: 0o755, content }]);
}

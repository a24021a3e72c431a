import { execFile } from 'node:child_process';
import { readFile, realpath } from 'node:fs/promises';
import { promisify } from 'node:util';
import { BASE_FILES, type Image, type LayerFile, makeImage, makeLayer, type RunSettings } from './image.ts';

/** An image with a program of this machine and the libraries that it loads: for what cannot be pulled. */
export async function hostProgramImage(
  program: string,
  files: readonly LayerFile[],
  settings: RunSettings,
): Promise<Image> {
  return makeImage([await makeLayer([...BASE_FILES, ...(await hostPrograms([program])), ...files])], settings);
}

/**
 * Programs of this machine with the libraries that they load.
 * @param programs a path, or a path and the one that it gets in the image
 */
export async function hostPrograms(programs: readonly (string | readonly [string, string])[]): Promise<LayerFile[]> {
  const copies = new Map<string, string>();
  for (const program of programs) {
    const [from, to] = typeof program === 'string' ? [program, program] : program;
    copies.set(to, from);
    for (const library of await librariesOf(from)) copies.set(library, library);
  }
  return await Promise.all(
    [...copies].map(async ([path, from]) => ({ path, mode: 0o755, content: await readFile(await realpath(from)) })),
  );
}

async function librariesOf(program: string): Promise<string[]> {
  // It fails for static programs, which need none.
  const { stdout } = await promisify(execFile)('ldd', [program]).catch(() => ({ stdout: '' }));
  return stdout.split('\n').flatMap((line) => /(?:=> |^\s+)(\/\S+) \(0x/.exec(line)?.[1] ?? []);
}

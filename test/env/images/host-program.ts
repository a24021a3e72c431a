import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { BASE_FILES, type Image, type LayerFile, makeImage, makeLayer, type RunSettings } from './image.ts';

/** An image with a program of this machine and the libraries that it loads: for what cannot be pulled. */
export async function hostProgramImage(
  program: string,
  files: readonly LayerFile[],
  settings: RunSettings,
): Promise<Image> {
  const paths = [program, ...(await librariesOf(program))];
  const copies = await Promise.all(paths.map(async (path) => ({ path, mode: 0o755, content: await readFile(path) })));
  return makeImage([await makeLayer([...BASE_FILES, ...copies, ...files])], settings);
}

async function librariesOf(program: string): Promise<string[]> {
  // It fails for static programs, which need none.
  const { stdout } = await promisify(execFile)('ldd', [program]).catch(() => ({ stdout: '' }));
  return stdout.split('\n').flatMap((line) => /(?:=> |^\s+)(\/\S+) \(0x/.exec(line)?.[1] ?? []);
}

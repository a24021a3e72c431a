import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../cluster/binaries.ts';
import { goCompiler } from '../go-compiler.ts';

export interface GoProgram {
  readonly name: string;
  /** Folder of the module. */
  readonly module: string;
  /** Import path, or `.` for the module itself. */
  readonly package: string;
}

const run = promisify(execFile);

/**
 * The path of a static binary in the cache of the test environment. It is built when the files of the module have changed.
 */
export async function buildGoProgram(program: GoProgram): Promise<string> {
  const folder = join(cacheFolder(), `functions-${await fingerprint(program.module)}`);
  const binary = join(folder, program.name);
  if (existsSync(binary)) return binary;
  await mkdir(folder, { recursive: true });
  // Several processes may build the same at the same time; the last one wins with the same bytes.
  const unfinished = `${binary}.${process.pid}`;
  const go = goCompiler();
  process.stderr.write(`test environment: building ${program.name} (once, up to a minute)\n`);
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly -buildvcs=false' };
  const build = ['build', '-trimpath', '-ldflags', '-s -w', '-o', unfinished, program.package];
  try {
    await run(go, build, { cwd: program.module, env, maxBuffer: 16 * 1024 * 1024 });
    await rename(unfinished, binary);
  } finally {
    await rm(unfinished, { force: true });
  }
  return binary;
}

async function fingerprint(module: string): Promise<string> {
  const hash = createHash('sha256');
  for (const name of (await readdir(module)).sort())
    hash.update(`${name}\0`).update(await readFile(join(module, name)));
  return hash.digest('hex').slice(0, 12);
}

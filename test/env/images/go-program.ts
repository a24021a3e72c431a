import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { requireProgram } from '../service.ts';

export interface GoProgram {
  readonly name: string;
  /** Folder of the module. */
  readonly module: string;
  /** Import path, or `.` for the module itself. */
  readonly package: string;
  /** Name of the folder in the cache. Default: one that changes with the files of the module. */
  readonly folder?: string;
  readonly tags?: string;
  /** For the linker, such as `-X path.variable=value`. */
  readonly ldflags?: string;
}

const run = promisify(execFile);

/**
 * The path of a static binary. It is built when the files of the module have changed; binaries are kept in
 * `~/.cache/veranda-testenv`.
 */
export async function buildGoProgram(program: GoProgram): Promise<string> {
  const folder = join(homedir(), '.cache/veranda-testenv', program.folder ?? (await ownFolder(program.module)));
  const binary = join(folder, program.name);
  if (existsSync(binary)) return binary;
  await mkdir(folder, { recursive: true });
  // Several processes may build the same at the same time; the last one wins with the same bytes.
  const unfinished = `${binary}.${process.pid}`;
  const go = existsSync('/usr/local/go/bin/go') ? '/usr/local/go/bin/go' : requireProgram('go', 'golang');
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly -buildvcs=false' };
  const { tags = '', ldflags = '' } = program;
  const options = ['-trimpath', '-tags', tags, '-ldflags', `-s -w ${ldflags}`];
  const build = ['build', ...options, '-o', unfinished, program.package];
  try {
    await run(go, build, { cwd: program.module, env, maxBuffer: 16 * 1024 * 1024 });
    await rename(unfinished, binary);
  } finally {
    await rm(unfinished, { force: true });
  }
  return binary;
}

async function ownFolder(module: string): Promise<string> {
  const hash = createHash('sha256');
  for (const name of (await readdir(module)).sort())
    hash.update(`${name}\0`).update(await readFile(join(module, name)));
  return `functions-${hash.digest('hex').slice(0, 12)}`;
}

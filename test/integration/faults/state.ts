import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BareRepository } from '../../env/git/bare-repository.ts';

/** What the deployment repository holds in the end, without what differs between two runs: times, and thus commit ids. */
export interface EndState {
  /** Ref name to the id of its package's tree; the branch to its whole tree. */
  readonly refs: Readonly<Record<string, string>>;
  /** Commits that any ref reaches: nothing was done twice. */
  readonly commits: number;
}

/** @param packages paths of all packages of the scenario */
export async function endState(remote: BareRepository, packages: readonly string[]): Promise<EndState> {
  const refs = [...(await remote.refs())].sort(([a], [b]) => (a < b ? -1 : 1));
  const names = refs.map(([ref, oid]) =>
    ref === 'refs/heads/main' ? `${oid}^{tree}` : `${oid}:${packageOf(ref, packages)}`,
  );
  const trees = await lines(remote, ['cat-file', '--batch-check=%(objectname)'], `${names.join('\n')}\n`);
  return {
    refs: Object.fromEntries(refs.map(([ref], index) => [ref, trees[index] ?? ''])),
    commits: Number(await remote.git('rev-list', '--all', '--count')),
  };
}

function packageOf(ref: string, packages: readonly string[]): string {
  return packages.find((name) => ref.includes(`/${name}/`)) ?? `no-package-of-${ref}`;
}

/** Changed paths since `seed` that are in no package, and commits that change more than one package. */
export async function strayChanges(
  remote: BareRepository,
  seed: string,
  packages: readonly string[],
): Promise<string[]> {
  const log = await remote.git(
    'log',
    '--branches',
    '--tags',
    `^${seed}`,
    '--first-parent',
    '-m',
    '--name-only',
    '--format=%x01%H',
  );
  const strays: string[] = [];
  for (const entry of log.split('\u0001').slice(1)) {
    const [commit = '', ...paths] = entry.split('\n').filter((line) => line !== '');
    const touched = new Set(paths.map((path) => packages.find((name) => path.startsWith(`${name}/`)) ?? path));
    if (touched.size > 1) strays.push(`${commit} changes ${[...touched].join(' and ')}`);
    strays.push(...[...touched].filter((path) => !packages.includes(path)));
  }
  return strays;
}

/** Every bare repository in the folder is sound. */
export async function fsckAll(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    await promisify(execFile)('git', ['-C', join(folder, name), 'fsck', '--strict', '--no-dangling']);
  }
}

async function lines(remote: BareRepository, args: readonly string[], input: string): Promise<string[]> {
  const command = promisify(execFile)('git', ['-C', remote.path, ...args]);
  command.child.stdin?.end(input);
  return (await command).stdout.trim().split('\n');
}

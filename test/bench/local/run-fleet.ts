import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BareRepository } from '../../env/git/bare-repository.ts';
import { type GitServer, startGitServer } from '../../env/git/git-server.ts';
import { type Measurement, measure } from '../support/measured-process.ts';
import { SeededRandom } from '../support/random.ts';
import { ROOT } from '../support/results.ts';
import { type Approval, createFleet, type Fleet, writeManifests } from './fleet.ts';
import { verifyFleet } from './verify.ts';

const execute = promisify(execFile);

export type Transport = 'http' | 'file';

export interface FleetRun {
  readonly variants: number;
  readonly approval: Approval;
  readonly transport: Transport;
}

export interface FleetMeasurement extends FleetRun, Omit<Measurement, 'stdout' | 'stderr'> {
  readonly commits: number;
  readonly pushes: number;
  readonly upstreamFetches: number;
  /** This and `listings` are undefined where nobody but the measured process could tell. */
  readonly downstreamFetches: number | undefined;
  readonly listings: { readonly upstream: number; readonly downstream: number } | undefined;
}

interface Traffic {
  readonly pushes: number;
  readonly upstreamFetches: number;
  readonly downstreamFetches: number | undefined;
  readonly listings: { readonly upstream: number; readonly downstream: number } | undefined;
}

/**
 * Brings a new fleet to its end with `veranda run` and looks at the repositories afterwards.
 * @param launch what starts veranda; by default the bundle's launcher
 * @throws Error when the command fails or the end state is not what the manifests ask for
 */
export async function runFleet(run: FleetRun, seed: number, launch?: readonly string[]): Promise<FleetMeasurement> {
  const random = new SeededRandom(seed);
  const root = await mkdtemp(join(tmpdir(), 'veranda-bench-'));
  try {
    const fleet = await createFleet(root, run.variants, random);
    const remotes = run.transport === 'http' ? await serveFleet(fleet) : await watchFleet(fleet);
    try {
      const manifests = await writeManifests(fleet, remotes.urls, run.approval);
      const workspace = join(root, 'workspace');
      const command = [...(launch ?? [join(ROOT, 'bin/veranda')]), 'run', '-f', manifests, '--workspace', workspace];
      const { stdout, stderr, ...measured } = await measure(command, { cwd: root });
      if (measured.exitCode !== 0)
        throw new Error(`veranda run failed:\n${stderr.slice(-4000)}\n${stdout.slice(-3000)}`);
      const traffic = await remotes.traffic();
      const commits = (await verifyFleet(fleet, run.approval, random)) - 1;
      return { ...run, ...measured, ...traffic, commits };
    } finally {
      await remotes.close();
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

interface Remotes {
  readonly urls: { readonly upstream: string; readonly downstream: string };
  traffic(): Promise<Traffic>;
  close(): Promise<void>;
}

/** Each repository behind its own counting git server. */
async function serveFleet(fleet: Fleet): Promise<Remotes> {
  const [upstream, downstream] = await Promise.all([
    startGitServer({ root: fleet.root }),
    startGitServer({ root: fleet.root }),
  ]);
  const listings = ({ requests }: GitServer): number => requests.lsRefs;
  return {
    urls: { upstream: upstream.url('upstream.git'), downstream: downstream.url('downstream.git') },
    traffic: async () => ({
      pushes: downstream.requests.push,
      upstreamFetches: upstream.requests.fetch,
      downstreamFetches: downstream.requests.fetch,
      listings: { upstream: listings(upstream), downstream: listings(downstream) },
    }),
    close: async () => {
      await Promise.all([upstream.close(), downstream.close()]);
    },
  };
}

/** Local paths: a hook counts pushes, and each fetch of the upstream leaves one pack in its mirror. */
async function watchFleet({ root, upstream, downstream }: Fleet): Promise<Remotes> {
  const log = join(root, 'pushes');
  await downstream.hook('post-receive', `echo push >> '${log}'`);
  const mirrors = join(root, 'workspace/.veranda/git');
  return {
    urls: { upstream: upstream.path, downstream: downstream.path },
    traffic: async () => ({
      pushes: (await readFile(log, 'utf8')).split('\n').length - 1,
      upstreamFetches: await packsOf(mirrors, upstream),
      downstreamFetches: undefined,
      listings: undefined,
    }),
    close: async () => undefined,
  };
}

/** Packs in the mirror of a repository that nothing is pushed to, which is known by holding the commit that the repository began with. */
async function packsOf(mirrors: string, remote: BareRepository): Promise<number> {
  const root = await remote.git('rev-list', '--max-parents=0', 'main');
  for (const name of await readdir(mirrors)) {
    const mirror = join(mirrors, name);
    if (!(await holds(mirror, root))) continue;
    return (await readdir(join(mirror, 'objects/pack'))).filter((file) => file.endsWith('.pack')).length;
  }
  return 0;
}

async function holds(mirror: string, commit: string): Promise<boolean> {
  try {
    await execute('git', ['--git-dir', mirror, 'cat-file', '-e', commit]);
    return true;
  } catch {
    return false;
  }
}

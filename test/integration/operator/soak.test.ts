import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { SoakJob, SoakReport } from './soak-job.ts';

const PROGRAM = join(import.meta.dirname, 'soak-process.ts');
/** What a look may leave behind, on the average: less than the object of one revision. Compiled code is some of it. */
const BYTES = 2_500;
const JOB = { repositories: 5, revisions: 20, rounds: 30, measurements: 4, timeoutMs: 150_000 } as const;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'veranda-soak-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

test('K-13: repositories that change all the time, looked at again and again, take no more memory in the end', async () => {
  const job: SoakJob = { ...JOB, folder };
  const args = ['--expose-gc', '--no-warnings', PROGRAM, JSON.stringify(job)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { PATH: process.env.PATH } });
  const { heaps, objects } = JSON.parse(stdout) as SoakReport;
  // Each has its published ones, the head of its branch and one draft.
  expect(objects).toBe(job.repositories * (job.revisions + 2));
  // In the first rounds caches are filled and code is compiled.
  const [, from = 0] = heaps;
  const looks = job.repositories * job.rounds * (job.measurements - 2);
  expect(((heaps.at(-1) ?? 0) - from) / looks).toBeLessThan(BYTES);
}, 180_000);

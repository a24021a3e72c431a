import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { takeLock } from '../../../src/cli/workspace-lock.ts';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'veranda-lock-'));
  path = join(folder, 'lock');
});

afterEach(() => rm(folder, { recursive: true }));

/** The number of a process that has ended. */
const deadPid = (): number => Number(execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }));

test('a lock can be taken once at a time, and leaves nothing behind', async () => {
  const release = await takeLock(path);
  await expect(takeLock(path)).rejects.toMatchObject({ reason: 'WorkspaceLocked', location: { file: path } });
  expect(await readdir(folder)).toEqual(['lock']);
  await release();
  expect(await readdir(folder)).toEqual([]);
  await (await takeLock(path))();
});

test.each([
  ['of a process that has ended', () => ({ pid: deadPid(), host: hostname(), started: '', id: 'x' })],
  [
    'of a process whose number another one has now',
    () => ({ pid: process.pid, host: hostname(), started: '1', id: 'x' }),
  ],
])('a lock %s is taken over', async (_what, holder) => {
  await writeFile(path, JSON.stringify(holder()));
  const release = await takeLock(path);
  expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ pid: process.pid });
  await release();
});

test('a lock of a killed process that nobody has reaped is taken over', async () => {
  // The shell becomes a program that knows nothing of the child which it inherits.
  const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [line] = await once(parent.stdout, 'data');
    const pid = Number(line);
    while ((await readFile(`/proc/${parent.pid}/comm`, 'utf8')) !== 'sleep\n');
    const [, started] = await stateOf(pid);
    process.kill(pid, 'SIGKILL');
    while ((await stateOf(pid))[0] !== 'Z');
    await writeFile(path, JSON.stringify({ pid, host: hostname(), started, id: 'x' }));
    await (await takeLock(path))();
  } finally {
    parent.kill('SIGKILL');
  }
});

/** State and time of start of a process. */
async function stateOf(pid: number): Promise<readonly [string | undefined, string | undefined]> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return [fields[0], fields[19]];
}

test.each(['', '{', '{"pid": "x"}', 'null'])('a damaged lock (%j) is taken over', async (text) => {
  await writeFile(path, text);
  await (await takeLock(path))();
});

test('a lock of another machine is left alone', async () => {
  const holder = JSON.stringify({ pid: 1, host: 'another.example.com', started: '1', id: 'x' });
  await writeFile(path, holder);
  await expect(takeLock(path)).rejects.toThrow(/process 1 on another\.example\.com/);
  expect(await readFile(path, 'utf8')).toBe(holder);
});

test('of many that find a stale lock one gets it', async () => {
  await writeFile(path, JSON.stringify({ pid: deadPid(), host: hostname(), started: '', id: 'x' }));
  const results = await Promise.allSettled(Array.from({ length: 10 }, () => takeLock(path)));
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(await readdir(folder)).toEqual(['lock']);
});

test('who has lost the lock does not take it from its new holder', async () => {
  const release = await takeLock(path);
  const other = JSON.stringify({ pid: 1, host: hostname(), started: '', id: 'other' });
  await writeFile(path, other);
  await release();
  expect(await readFile(path, 'utf8')).toBe(other);
});

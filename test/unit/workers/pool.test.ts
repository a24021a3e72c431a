import { setImmediate as turn } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, test } from '@jest/globals';
import { ConflictError } from '../../../src/api/errors.ts';
import type { FunctionInput, FunctionOutput, FunctionRuntime, RunContext } from '../../../src/functions/types.ts';
import type { FunctionSpec } from '../../../src/krm/function-spec.ts';
import { Package } from '../../../src/package/package.ts';
import type { FileMode } from '../../../src/package/types.ts';
import type { Renderer } from '../../../src/render/types.ts';
import { WorkerRenderer, type WorkerRendererOptions } from '../../../src/workers/pool.ts';

const { signal } = new AbortController();
const noFunctions: FunctionRuntime = { name: 'none', runner: () => undefined };
const inProcess: Renderer = {
  render: async (pkg) => ({ package: pkg, report: { steps: [], warnings: ['in process'] } }),
};
let renderer: WorkerRenderer;

afterEach(() => renderer.close());

function start(options: Partial<WorkerRendererOptions> = {}): WorkerRenderer {
  const entry = pathToFileURL(`${import.meta.dirname}/fixture-worker.ts`);
  const small = { files: 0, bytes: 0 };
  renderer = new WorkerRenderer({ inProcess, hosted: noFunctions, small, maxThreads: 1, entry, ...options });
  return renderer;
}

function packageOf(files: Record<string, string>, modes: Record<string, FileMode> = {}): Package {
  const encoder = new TextEncoder();
  return Package.of(
    Object.entries(files).map(([path, text]) => [path, { bytes: encoder.encode(text), mode: modes[path] ?? '100644' }]),
  );
}

function behaviour(name: string): Package {
  return packageOf({ behaviour: name });
}

function content(pkg: Package, path: string): string {
  return new TextDecoder().decode(pkg.get(path)?.bytes);
}

/** A runtime that has every function and does the same for each. */
function runtimeOf(run: (input: FunctionInput, context: RunContext) => Promise<FunctionOutput>): FunctionRuntime {
  return { name: 'fake', runner: ({ image = '' }) => ({ resolved: `resolved/${image}`, runtime: 'fake', run }) };
}

/** Has no function, and tells which images were asked for: how a render in a thread says where it is. */
function watch() {
  const asked: string[] = [];
  const hosted: FunctionRuntime = {
    name: 'watch',
    runner: ({ image = '' }: FunctionSpec) => void asked.push(image),
  };
  return { hosted, asked };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

describe('a render in a thread', () => {
  test('gives the changed package and the report, and leaves the rest alone', async () => {
    const files = { behaviour: 'change', removed: '', changed: '', same: '1', link: 'same' };
    const before = packageOf(files, { link: '120000' });
    const { package: after, report } = await start().render(before, { signal });
    expect(after.paths()).toEqual(['added/file', 'behaviour', 'changed', 'link', 'same']);
    expect(after.get('changed')?.mode).toBe('100755');
    expect(after.get('same')).toBe(before.get('same'));
    expect(Number(content(after, 'added/file'))).toBeGreaterThan(0);
    expect(report).toEqual({ steps: [], warnings: ['rendered 5 files'] });
    expect(content(before, 'same')).toBe('1');
  });

  test('gives the same package object when nothing changed', async () => {
    const pkg = behaviour('nothing');
    expect((await start().render(pkg, { signal })).package).toBe(pkg);
  });

  test('throws what the renderer throws, with class, reason and place', async () => {
    await expect(start().render(behaviour('fail'), { signal })).rejects.toMatchObject({
      name: 'TerminalError',
      reason: 'InvalidKptfile',
      message: 'no name',
      location: { file: 'Kptfile', line: 3 },
    });
  });

  test('is left out for small packages', async () => {
    const pool = start({ small: { files: 2, bytes: 20 } });
    const warnings = async (pkg: Package) => (await pool.render(pkg, { signal })).report.warnings;
    await expect(warnings(packageOf({ a: '1', b: '2' }))).resolves.toEqual(['in process']);
    expect(pool.threads).toBe(0);
    await expect(warnings(packageOf({ behaviour: 'nothing', b: '', c: '' }))).resolves.toEqual(['rendered 3 files']);
    await expect(warnings(packageOf({ behaviour: 'nothing', b: 'x'.repeat(20) }))).resolves.toEqual([
      'rendered 2 files',
    ]);
  });

  test('is not left out for a package that runs scripts, however small', async () => {
    const pool = start({ small: { files: 9, bytes: 999 } });
    const warnings = async (pkg: Package) => (await pool.render(pkg, { signal })).report.warnings;
    const files = { behaviour: 'nothing', 'sub/Kptfile': 'pipeline: {mutators: [{image: "starlark:v0.5.0"}]}' };
    await expect(warnings(packageOf(files))).resolves.toEqual(['rendered 2 files']);
    await expect(warnings(packageOf({ ...files, 'sub/Kptfile': '', about: 'starlark' }))).resolves.toEqual([
      'in process',
    ]);
  });

  test('shares a thread with those after it, and the thread ends when idle', async () => {
    const pool = start({ idleTimeout: 1 });
    const thread = async () => content((await pool.render(behaviour('change'), { signal })).package, 'added/file');
    const [first, second] = await Promise.all([thread(), thread()]);
    expect(second).toBe(first);
    await until(() => pool.threads === 0);
  });

  test('leaves the event loop free', async () => {
    const { hosted, asked } = watch();
    const pool = start({ hosted, grace: 1 });
    const controller = new AbortController();
    const spinning = pool.render(behaviour('spin'), { signal: controller.signal });
    await until(() => asked.includes('started'));
    let turns = 0;
    while (turns < 100) {
      await turn();
      turns++;
    }
    controller.abort('enough');
    await expect(spinning).rejects.toBe('enough');
  });
});

describe('functions on the main thread', () => {
  test('get items, texts and configuration, and unchanged items come back as the same objects', async () => {
    const seen: unknown[] = [];
    const hosted = runtimeOf(async ({ items, functionConfig }, { packagePath }) => {
      seen.push({
        values: items.map(({ value }) => value),
        texts: items.map(({ text }) => text?.()),
        functionConfig,
        packagePath,
      });
      const [first, second] = items;
      return {
        items: [...(second ? [second] : []), { ...first, value: { kind: 'New' }, text: () => 'kind: New\n' }],
        results: [{ message: 'done', severity: 'info' }],
        stderr: 'words',
        exitCode: 0,
      };
    });
    const { package: after } = await start({ hosted }).render(behaviour('call'), { signal });
    expect(seen).toEqual([
      {
        values: [{ kind: 'A', big: 9007199254740993n }, { kind: 'B' }],
        texts: ['kind: A # comment\n', undefined],
        functionConfig: { kind: 'C' },
        packagePath: 'sub',
      },
    ]);
    expect(JSON.parse(content(after, 'outcome'))).toEqual({
      resolved: 'resolved/example.com/fn:v1',
      runtime: 'fake',
      items: ['same 1', '{"kind":"New"} kind: New\n'],
      results: [{ message: 'done', severity: 'info' }],
      stderr: 'words',
      exitCode: 0,
    });
  });

  test('that nobody has are reported as such', async () => {
    const { package: after } = await start().render(behaviour('call'), { signal });
    expect(content(after, 'outcome')).toBe('no runner');
  });

  test('run at the same time', async () => {
    let running = 0;
    const together = Promise.withResolvers<void>();
    const hosted = runtimeOf(async (_, { packagePath }) => {
      if (++running === 3) together.resolve();
      await together.promise;
      return { items: [], results: [], exitCode: packagePath.charCodeAt(0) };
    });
    const { package: after } = await start({ hosted }).render(behaviour('call many'), { signal });
    expect(JSON.parse(content(after, 'outcome'))).toEqual([97, 98, 99]);
  });

  test('are told of one render that it is one, and of two that they are not', async () => {
    const renders: unknown[] = [];
    const hosted = runtimeOf(async (_, { render }) => {
      renders.push(render);
      return { items: [], results: [], exitCode: 0 };
    });
    const pool = start({ hosted });
    await pool.render(behaviour('call many'), { signal });
    await pool.render(behaviour('call many'), { signal });
    expect(renders).toHaveLength(6);
    expect(renders).not.toContain(undefined);
    expect(new Set(renders.slice(0, 3)).size).toBe(1);
    expect(new Set(renders).size).toBe(2);
  });

  test.each(['finding', 'running'])('whose %s fails fail the render with their own error', async (when) => {
    const error = new ConflictError('PodMoved', 'gone', { object: 'Pod a/b' });
    const hosted: FunctionRuntime =
      when === 'running'
        ? runtimeOf(() => Promise.reject(error))
        : {
            name: 'broken',
            runner: () => {
              throw error;
            },
          };
    await expect(start({ hosted }).render(behaviour('call'), { signal })).rejects.toMatchObject({
      name: 'ConflictError',
      reason: 'PodMoved',
      location: { object: 'Pod a/b' },
    });
  });

  test('are stopped when the render is', async () => {
    const started = Promise.withResolvers<void>();
    const stopped = Promise.withResolvers<unknown>();
    const hosted = runtimeOf((_, context) => {
      started.resolve();
      return new Promise((_resolve, reject) => {
        context.signal.addEventListener('abort', () => {
          stopped.resolve(context.signal.reason);
          reject(context.signal.reason);
        });
      });
    });
    const controller = new AbortController();
    const render = start({ hosted }).render(behaviour('call'), { signal: controller.signal });
    await started.promise;
    controller.abort('stop');
    await expect(render).rejects.toBe('stop');
    await expect(stopped.promise).resolves.toBe('stop');
  });
});

describe('an abort', () => {
  test('lets a render stop by itself and keeps its thread', async () => {
    const { hosted, asked } = watch();
    const pool = start({ hosted, grace: 1_000_000 });
    const before = await pool.render(behaviour('change'), { signal });
    const controller = new AbortController();
    const waiting = pool.render(behaviour('wait'), { signal: controller.signal });
    await until(() => asked.includes('started'));
    controller.abort('stop');
    await expect(waiting).rejects.toBe('stop');
    await until(() => asked.includes('stopped'));
    const after = await pool.render(behaviour('change'), { signal });
    expect(content(after.package, 'added/file')).toBe(content(before.package, 'added/file'));
  });

  test('ends the thread of a render that does not stop, and the pool goes on', async () => {
    const { hosted, asked } = watch();
    const pool = start({ hosted, grace: 1 });
    const controller = new AbortController();
    const spinning = pool.render(behaviour('spin'), { signal: controller.signal });
    const next = pool.render(behaviour('nothing'), { signal });
    await until(() => asked.includes('started'));
    controller.abort('stop');
    await expect(spinning).rejects.toBe('stop');
    await expect(next).resolves.toMatchObject({ report: { warnings: ['rendered 1 files'] } });
  });

  test('takes a waiting render out', async () => {
    const pool = start({ grace: 1 });
    const [running, waiting] = [new AbortController(), new AbortController()];
    const first = pool.render(behaviour('spin'), { signal: running.signal });
    const second = pool.render(behaviour('spin'), { signal: waiting.signal });
    waiting.abort('second');
    await expect(second).rejects.toBe('second');
    running.abort('first');
    await expect(first).rejects.toBe('first');
    await expect(pool.render(behaviour('nothing'), { signal: AbortSignal.abort('third') })).rejects.toBe('third');
  });
});

describe('a thread that dies', () => {
  test.each(['exit', 'allocate'])('by %s is a transient error, and the pool goes on', async (how) => {
    const pool = start({ resourceLimits: { maxOldGenerationSizeMb: 32 } });
    const crashed = pool.render(behaviour(how), { signal });
    const next = pool.render(behaviour('nothing'), { signal });
    await expect(crashed).rejects.toMatchObject({ reason: 'WorkerCrashed', retry: 'backoff' });
    await expect(next).resolves.toMatchObject({ report: { warnings: ['rendered 1 files'] } });
  });

  test('while it starts fails its render instead of letting it wait', async () => {
    const entry = pathToFileURL(`${import.meta.dirname}/no-such-worker.ts`);
    const pool = start({ entry });
    for (const _ of [1, 2]) {
      await expect(pool.render(behaviour('nothing'), { signal })).rejects.toMatchObject({ reason: 'WorkerCrashed' });
    }
  });
});

test('close ends what runs and waits, and refuses what comes after', async () => {
  const pool = start();
  const renders = [pool.render(behaviour('spin'), { signal }), pool.render(behaviour('nothing'), { signal })];
  const outcomes = Promise.allSettled(renders);
  await until(() => pool.threads === 1);
  await pool.close();
  for (const outcome of await outcomes)
    expect(outcome).toMatchObject({ status: 'rejected', reason: { reason: 'PoolClosed' } });
  expect(pool.threads).toBe(0);
  await expect(pool.render(behaviour('nothing'), { signal })).rejects.toMatchObject({ reason: 'PoolClosed' });
});

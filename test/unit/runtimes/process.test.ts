import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createRenderer } from '../../../src/render/renderer.ts';
import { createProcessRuntime } from '../../../src/runtimes/process.ts';
import { kptfile, packageOf, textOf } from '../render/support.ts';
import { ENV, packageWith, renderWith, script, until, withFolder } from './support.ts';

const runtimeIn = (directory: string) => createProcessRuntime({ allowed: true, directory, env: ENV });

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('a program as a function', () => {
  test("H 67: sed -e 's/…/a b/' changes what it matches, and nothing else", async () => {
    await withFolder(async (folder) => {
      const { package: rendered, report } = await renderWith(runtimeIn(folder), `exec: "sed -e 's/k: old/k: a b/'"`);
      expect(report).toMatchObject({ steps: [{ runtime: 'process', exitCode: 0, exec: "sed -e 's/k: old/k: a b/'" }] });
      expect(report.failure).toBeUndefined();
      expect(textOf(rendered, 'a.yaml')).toBe(textOf(packageWith(''), 'a.yaml')?.replace('old', 'a b'));
    });
  });

  test('a path is that of the package which names it, as is the folder it runs in', async () => {
    await withFolder(async (folder) => {
      await mkdir(join(folder, 'db'));
      await script(join(folder, 'db/fn.sh'), 'pwd >&2; cat\n');
      const pkg = packageOf({
        Kptfile: kptfile('r'),
        'db/Kptfile': kptfile('db', 'pipeline:\n  mutators:\n  - exec: ./fn.sh\n'),
        'db/fn.sh': '',
      });
      const renderer = createRenderer({ runtime: runtimeIn(folder) });
      const { report } = await renderer.render(pkg, { signal: new AbortController().signal });
      expect(report.failure).toBeUndefined();
      expect(report.steps[0]?.stderr?.trim().endsWith('/db')).toBe(true);
    });
  });

  test('a configured program stands for an image', async () => {
    await withFolder(async (folder) => {
      await script(join(folder, 'fn'), 'sed -e "s/k: old/k: new/"\n');
      const binaries = new Map([['example.com/fns/renew', join(folder, 'fn')]]);
      const runtime = createProcessRuntime({ allowed: true, directory: folder, binaries, env: ENV });
      const { package: rendered, report } = await renderWith(runtime, 'image: example.com/fns/renew:v1', {
        allowedImages: ['example.com/fns'],
      });
      expect(report.failure).toBeUndefined();
      expect(textOf(rendered, 'a.yaml')).toContain('k: new # why\n');
    });
  });

  test('H 66: without permission nothing runs, and the step says so', async () => {
    await withFolder(async (folder) => {
      const runtime = createProcessRuntime({ allowed: false, directory: folder, env: ENV });
      const { report } = await renderWith(runtime, `exec: touch ${folder}/ran`);
      expect(report.failure).toMatchObject({
        reason: 'ExecNotAllowed',
        message: expect.stringContaining('--allow-exec'),
      });
      expect(report.steps).toMatchObject([{ exitCode: 1, executionError: expect.stringContaining('--allow-exec') }]);
      expect(existsSync(join(folder, 'ran'))).toBe(false);
    });
  });

  test('H 64: results and messages of one that fails are kept', async () => {
    await withFolder(async (folder) => {
      const results = 'results: [{message: too small, severity: error}]\\nitems: []\\n';
      await script(join(folder, 'fn'), `printf 'kind: ResourceList\\n${results}'; echo sorry >&2; exit 3\n`);
      const { package: rendered, report } = await renderWith(runtimeIn(folder), 'exec: ./fn');
      expect(report.steps).toMatchObject([{ exitCode: 3, stderr: 'sorry\n', results: [{ message: 'too small' }] }]);
      expect(report.failure).toMatchObject({ reason: 'RenderFailed', message: expect.stringContaining('too small') });
      expect(textOf(rendered, 'a.yaml')).toBe(textOf(packageWith(''), 'a.yaml'));
    });
  });
});

describe('a program that misbehaves leaves the package as it was', () => {
  const echo = "printf 'apiVersion: config.kubernetes.io/v1\\nkind: ResourceList\\n";

  test.each([
    ['X-13: prints 200 MB', 'head -c 200000000 /dev/zero', 'BadOutput', 'more than'],
    [
      'X-13: prints what is no UTF-8',
      "printf 'kind: ResourceList\\nitems:\\n- kind: \\377\\376\\n'",
      'BadOutput',
      'UTF-8',
    ],
    ['X-13: prints two documents', `${echo}items: []\\n---\\nkind: A\\n'`, 'BadOutput', '2 documents'],
    ['H 50: prints nothing', 'cat > /dev/null', 'BadOutput', 'empty'],
    ['exits without reading', 'exit 0', 'BadOutput', 'empty'],
    ['exits without reading, with an error', 'exit 9', 'RenderFailed', 'exit code 9'],
    ['is killed', 'kill -9 $$', 'RenderFailed', 'exit code 137'],
    ['is not there', undefined, 'CommandNotRun', 'ENOENT'],
    ['X-13: returns what lies outside', `sed -e "s/path: .*a.yaml.*/path: ..\\/x.yaml/"`, 'PathEscapes', '../x.yaml'],
    ['H 59: returns a wrong index', `sed -e "s/index: .*/index: abc/"`, 'BadOutput', 'abc'],
    [
      'returns 100,000 resources',
      `${echo}items:\\n'; yes -- '- {apiVersion: v1, kind: A, metadata: {name: a}}' | head -n 100000`,
      'BadOutput',
      '50000',
    ],
  ])('%s', async (_, body, reason, words) => {
    await withFolder(async (folder) => {
      if (body !== undefined) await script(join(folder, 'fn'), `${body}\n`);
      const { package: rendered, report } = await renderWith(runtimeIn(folder), 'exec: ./fn');
      expect(report.failure?.reason).toBe(reason);
      expect(report.failure?.message).toContain(words);
      expect(report.failure?.message).toContain('Kptfile: pipeline.mutators[0]: function "./fn" of the root package');
      expect(rendered.paths()).toEqual(['Kptfile', 'a.yaml']);
      expect(textOf(rendered, 'a.yaml')).toBe(textOf(packageWith(''), 'a.yaml'));
    });
  });

  test('R-20, H 68: one that hangs is stopped at its limit with all that it started, and the next render works', async () => {
    await withFolder(async (folder) => {
      await script(join(folder, 'fn'), 'sleep 600 & echo $! > child; echo $$ > parent; wait\n');
      const runtime = runtimeIn(folder);
      const { report } = await renderWith(runtime, 'exec: ./fn', { stepTimeout: 700 });
      expect(report.failure).toMatchObject({ reason: 'Timeout', retry: 'backoff' });
      expect(report.failure?.message).toContain('limit of 0.7 s');
      const pids = ['parent', 'child'].map((file) => Number(readFileSync(join(folder, file), 'utf8')));
      await until(() => !pids.some(isAlive));
      expect((await renderWith(runtime, 'exec: cat')).report.failure).toBeUndefined();
    });
  });

  test('one that leaves something running in the background does not hold up the render', async () => {
    await withFolder(async (folder) => {
      await script(join(folder, 'fn'), 'cat; sleep 600 &\necho $! > child\n');
      const { report } = await renderWith(runtimeIn(folder), 'exec: ./fn');
      expect(report.failure).toBeUndefined();
      await until(() => !isAlive(Number(readFileSync(join(folder, 'child'), 'utf8'))));
    });
  });

  test('a cancelled render ends the function and throws the reason', async () => {
    await withFolder(async (folder) => {
      await script(join(folder, 'fn'), 'echo $$ > pid; exec sleep 600\n');
      const controller = new AbortController();
      const renderer = createRenderer({ runtime: runtimeIn(folder) });
      const rendering = renderer.render(packageWith('exec: ./fn'), { signal: controller.signal });
      const pid = () => (existsSync(join(folder, 'pid')) ? readFileSync(join(folder, 'pid'), 'utf8') : '');
      await until(() => pid() !== '');
      controller.abort(new Error('no longer wanted'));
      await expect(rendering).rejects.toThrow('no longer wanted');
      await until(() => !isAlive(Number(pid())));
    });
  });

  test('its messages are bounded', async () => {
    await withFolder(async (folder) => {
      await script(join(folder, 'fn'), 'cat; head -c 50000000 /dev/zero | tr "\\0" x >&2\n');
      const { report } = await renderWith(runtimeIn(folder), 'exec: ./fn');
      expect(report.failure).toBeUndefined();
      expect(report.steps[0]?.stderr?.length).toBeLessThan(9000);
    });
  });
});

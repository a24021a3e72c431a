import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { runCli } from '../../../src/cli/program.ts';
import { configMap, KPTFILE } from '../merge/support.ts';
import { Recorder } from './streams.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'veranda-merge-'));
});

afterEach(() => rm(root, { recursive: true, force: true }));

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}

const read = (path: string) => readFile(join(root, path), 'utf8');

async function cli(...argv: string[]) {
  const [stdout, stderr] = [new Recorder(), new Recorder()];
  const { signal } = new AbortController();
  const code = await runCli({ argv: ['node', 'veranda', ...argv], env: {}, stdout, stderr, cwd: root, signal });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

async function sides(base: string, updated: string, local: string): Promise<void> {
  for (const [side, text] of Object.entries({ base, updated, local })) {
    await write(`${side}/Kptfile`, KPTFILE);
    await write(`${side}/a.yaml`, text);
  }
}

const MERGE = ['merge', '--base', 'base', '--updated', 'updated', '--local', 'local'];

describe('veranda merge', () => {
  test('merges in place and tells conflicts on stderr', async () => {
    await sides(configMap({ a: '1', b: '1' }), configMap({ a: '2', b: '2' }), configMap({ a: '1', b: '3' }));
    expect(await cli(...MERGE)).toEqual({
      code: 0,
      stdout: '',
      stderr: 'conflict: a.yaml ConfigMap settings data.b: base 1, local 3, upstream 2; the upstream value was taken\n',
    });
    expect(await read('local/a.yaml')).toBe(configMap({ a: '2', b: '2' }));
    expect(await read('base/a.yaml')).toBe(configMap({ a: '1', b: '1' }));
  });

  test('tells conflicts as data on stdout', async () => {
    await sides(configMap({ b: '1' }), configMap({ b: '2' }), configMap({ b: '3' }));
    const { code, stdout, stderr } = await cli(...MERGE, '--conflicts', 'json');
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toEqual({
      conflicts: [
        {
          resource: { apiVersion: 'v1', kind: 'ConfigMap', name: 'settings' },
          file: 'a.yaml',
          field: 'data.b',
          base: 1,
          local: 3,
          upstream: 2,
          resolution: 'upstream',
        },
      ],
      omitted: 0,
    });
  });

  test('fails with the place of the fault, and changes nothing', async () => {
    await sides(configMap({ a: '1' }), 'a: [\n', configMap({ a: '2' }));
    const { code, stderr } = await cli(...MERGE);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^veranda: a\.yaml:\d+: the new upstream cannot be read: /);
    expect(await read('local/a.yaml')).toBe(configMap({ a: '2' }));
  });

  test('a strategy that is none is a usage error', async () => {
    const { code, stderr } = await cli(...MERGE, '--strategy', 'fastest');
    expect(code).toBe(2);
    expect(stderr).toContain('Allowed choices are resource-merge, fast-forward');
  });
});

describe('veranda diff', () => {
  test('prints resources with their fields, then text', async () => {
    await write('a/a.yaml', configMap({ a: '1' }));
    await write('b/a.yaml', configMap({ a: '2' }));
    expect(await cli('diff', 'a', 'b')).toEqual({
      code: 0,
      stderr: '',
      stdout: `~ ConfigMap settings (a.yaml)
    data.a: 1 -> 2

--- a/a.yaml
+++ b/a.yaml
@@ -3,4 +3,4 @@
 metadata:
   name: settings
 data:
-  a: 1
+  a: 2
`,
    });
  });

  test('prints nothing for equal packages', async () => {
    await write('a/a.yaml', configMap({ a: '1' }));
    expect(await cli('diff', 'a', 'a')).toEqual({ code: 0, stderr: '', stdout: '' });
  });
});

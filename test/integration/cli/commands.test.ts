import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { configMap, kptfile, veranda, World } from './support.ts';

const ROOT = join(import.meta.dirname, '../../..');

let world: World;

beforeAll(async () => {
  world = await World.create();
});

afterAll(() => world.remove());

const cli = (...args: string[]) => veranda(args, { cwd: world.root });

describe('the command line', () => {
  test.each([
    [[], /Usage: veranda/],
    [['nonsense'], /unknown command 'nonsense'/],
    [['run'], /required option '-f, --filename <path...>' not specified/],
    [['run', '-f', '.', '-o', 'xml'], /Allowed choices are table, json, yaml/],
    [['run', '-f', '.', '--once', '--watch'], /'--once' cannot be used with option '--watch'/],
    [['run', '-f', '.', '--timeout', 'soon'], /must be a positive number/],
    [['run', '-f', '.', '--workspce', 'x'], /Did you mean --workspace\?/],
    [['render', 'a', 'b'], /too many arguments/],
  ])('%j is a usage error', async (args, message) => {
    const result = await cli(...args);
    expect(result).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(message) });
  });

  test('the version', async () => {
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
    for (const args of [['version'], ['--version'], ['-V']]) {
      expect(await cli(...args)).toEqual({ code: 0, stdout: `veranda ${version}\n`, stderr: '' });
    }
  });

  test('help names every command and the exit codes', async () => {
    const { code, stdout } = await cli('--help');
    expect(code).toBe(0);
    for (const word of ['run', 'render', 'version', 'Exit codes: 0']) expect(stdout).toContain(word);
    expect((await cli('run', '--help')).stdout).toContain('veranda run -f manifests/ --watch');
  });
});

describe('veranda render', () => {
  async function pkg(name: string, files: Record<string, string>): Promise<void> {
    await mkdir(world.path(name), { recursive: true });
    for (const [file, text] of Object.entries(files)) await world.write(`${name}/${file}`, text);
  }

  const LABELS = 'pipeline:\n  mutators:\n  - image: set-labels:v0.2.0\n    configMap: {team: shop}\n';

  test('writes what the functions changed and prints their results', async () => {
    await pkg('good', { Kptfile: kptfile('good', LABELS), 'config.yaml': configMap('c') });
    const { code, stdout, stderr } = await cli('render', 'good');
    expect(`${stderr}${code}`).toMatch(/0$/);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^\[PASS\] ".*set-labels:v0\.2\.0" in \d+ms$/m);
    expect(stderr).toMatch(/Successfully executed 1 function\(s\) in 1 package\(s\)\./);
    expect(await readFile(world.path('good/config.yaml'), 'utf8')).toContain('team: shop');
  });

  test.each([
    ['no-kptfile', { 'config.yaml': configMap('c') }, /^veranda: No Kptfile found at .*no-kptfile\/Kptfile$/m],
    [
      'typo',
      { Kptfile: kptfile('typo', 'pipeline:\n  mutator: []\n') },
      /^InvalidKptfile: Kptfile:6: pipeline\.mutator: unknown field/m,
    ],
    [
      'unknown',
      { Kptfile: kptfile('x', LABELS.replace('set-labels', 'set-lables')) },
      /Kptfile: pipeline\.mutators\[0\]: .*set-lables/,
    ],
  ])('%s fails and changes no resource', async (name, files: Record<string, string>, message) => {
    await pkg(name, files);
    const { code, stderr } = await cli('render', name);
    expect(stderr).toMatch(message);
    expect(code).toBe(1);
    for (const [file, text] of Object.entries(files)) {
      if (file !== 'Kptfile') expect(await readFile(world.path(name, file), 'utf8')).toBe(text);
    }
  });

  test('a folder that is not there', async () => {
    expect(await cli('render', 'nowhere')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^veranda: .*nowhere: no such file or folder\n$/),
    });
  });
});

import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parseKrmFile } from '../../../src/krm/file.ts';
import type { KrmValue } from '../../../src/krm/value.ts';
import { configMap, kptfile } from '../../unit/render/support.ts';
import { CliProcess, type CliResult } from '../cli/support.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'veranda-render-'));
});
afterEach(async () => await rm(folder, { recursive: true, force: true }));

const NAMESPACE = '  - image: set-namespace\n    configMap: {namespace: shop}\n';
const FILES = {
  Kptfile: kptfile('app', `pipeline:\n  mutators:\n${NAMESPACE}`),
  'app.yaml': configMap('one # first'),
  'README.md': '# app\n',
};

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [file, text] of Object.entries(files)) {
    const path = join(folder, 'app', file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    if (text.startsWith('#!')) await chmod(path, 0o755);
  }
}

function veranda(...args: string[]): Promise<CliResult> {
  return new CliProcess(['render', ...args], { cwd: folder }).result;
}

const text = (file: string) => readFile(join(folder, file), 'utf8');

function read(yaml: string): KrmValue[] {
  return parseKrmFile('x', new TextEncoder().encode(yaml)).documents.map(({ value }) => value);
}

describe('where a render goes', () => {
  test('in place, with the report on stderr and in the results folder', async () => {
    await write(FILES);
    const { code, stdout, stderr } = await veranda('app', '--results-dir', 'results');
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr.replaceAll(/in \d+ms/g, 'in 0s')).toBe(
      [
        'Package "app":',
        '[RUNNING] "ghcr.io/kptdev/krm-functions-catalog/set-namespace:latest" on package "app"',
        '[PASS] "ghcr.io/kptdev/krm-functions-catalog/set-namespace:latest" in 0s',
        '  [Results]:',
        '    [info]: namespace [default] updated to "shop", 1 value(s) changed',
        '    [info]: all `depends-on` annotations are up-to-date. no `namespace` changed',
        '',
        'Successfully executed 1 function(s) in 1 package(s).',
        'For complete results, see results/results.yaml\n',
      ].join('\n'),
    );
    expect(await text('app/app.yaml')).toBe(`${FILES['app.yaml']}  namespace: shop\n`);
    expect(read(await text('results/results.yaml'))).toMatchObject([
      {
        kind: 'FunctionResultList',
        exitCode: 0,
        items: [{ image: 'ghcr.io/kptdev/krm-functions-catalog/set-namespace:latest', exitCode: 0, results: [{}, {}] }],
      },
    ]);
  });

  test('H 34: to a new folder, which gets the resources only; H 72: which must not be there', async () => {
    await write(FILES);
    expect((await veranda('app', '-o', 'out')).code).toBe(0);
    expect(await readdir(join(folder, 'out'))).toEqual(['Kptfile', 'app.yaml']);
    expect(await text('out/Kptfile')).toBe(FILES.Kptfile);
    expect(await text('out/app.yaml')).toContain('namespace: shop');
    expect(await text('app/app.yaml')).toBe(FILES['app.yaml']);
    const again = await veranda('app', '-o', 'out');
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('directory "out" already exists') });
  });

  test('H 72: a folder that is there is refused before anything runs', async () => {
    await write(FILES);
    await mkdir(join(folder, 'out'));
    expect(await veranda('app', '-o', 'out')).toMatchObject({
      code: 1,
      stderr: expect.not.stringContaining('RUNNING'),
    });
  });

  test('H 34: a README stays as it is in place', async () => {
    await write(FILES);
    await veranda('app');
    expect(await text('app/README.md')).toBe('# app\n');
  });

  test('to stdout as a ResourceList, or as documents', async () => {
    await write(FILES);
    const list = await veranda('app', '-o', 'stdout');
    expect(list.stdout).toContain('name: one # first\n');
    expect(read(list.stdout)).toMatchObject([
      {
        kind: 'ResourceList',
        items: [
          {
            metadata: {
              namespace: 'shop',
              annotations: {
                'config.kubernetes.io/index': '0',
                'config.kubernetes.io/path': 'app.yaml',
                'internal.config.kubernetes.io/index': '0',
                'internal.config.kubernetes.io/path': 'app.yaml',
                'internal.config.kubernetes.io/seqindent': 'compact',
              },
            },
          },
          { kind: 'Kptfile' },
        ],
      },
    ]);
    const { stdout } = await veranda('app', '-o', 'unwrap');
    expect(stdout).toBe(`${FILES['app.yaml']}  namespace: shop\n---\n${FILES.Kptfile}`);
    expect(await text('app/app.yaml')).toBe(FILES['app.yaml']);
  });

  test('a link to a package is followed, with a warning', async () => {
    await write(FILES);
    await symlink('app', join(folder, 'link'));
    const { code, stderr } = await veranda('link');
    expect(code).toBe(0);
    expect(stderr).toMatch(/^\[WARN\] resolved symlink "link" to "app", /);
    expect(await text('app/app.yaml')).toContain('namespace: shop');
  });
});

describe('a render that fails', () => {
  const failing = { ...FILES, Kptfile: kptfile('app', `pipeline:\n  mutators:\n${NAMESPACE}  - exec: ./fn.sh\n`) };
  const script = '#!/bin/sh\necho one >&2\necho two >&2\necho three >&2\necho four >&2\necho five >&2\nexit 4\n';

  test('H 64: has exit code 1, tells function, package and file, changes the status only, and writes the results', async () => {
    await write({ ...failing, 'fn.sh': script });
    const { code, stderr } = await veranda('app', '--allow-exec', '--results-dir', 'results');
    expect(code).toBe(1);
    expect(stderr).toContain('[FAIL] "./fn.sh"');
    expect(stderr).toContain('  Exit code: 4\n');
    expect(stderr).toMatch(/^RenderFailed: Kptfile: pipeline\.mutators\[1\]: function ".\/fn.sh" of the root package/m);
    expect(await text('app/app.yaml')).toBe(FILES['app.yaml']);
    expect(await text('app/Kptfile')).toMatch(/type: Rendered\n +status: "False"/);
    expect(read(await text('results/results.yaml'))).toMatchObject([
      { exitCode: 1, items: [{}, { exec: './fn.sh', exitCode: 4, stderr: 'one\ntwo\nthree\nfour\nfive\n' }] },
    ]);
  });

  test('H 66: for lack of permission says which flag gives it', async () => {
    await write({ ...failing, 'fn.sh': script });
    expect(await veranda('app')).toMatchObject({ code: 1, stderr: expect.stringContaining('--allow-exec') });
  });

  test('long messages are cut unless they are wanted', async () => {
    await write({ ...failing, 'fn.sh': script });
    const { stderr } = await veranda('app', '--allow-exec');
    expect(stderr).toContain('    four\n    ...(1 line(s) truncated, use `--truncate-output=false` to disable)\n');
    const whole = await veranda('app', '--allow-exec', '--truncate-output=false');
    expect(whole.stderr).toContain('    five\n');
  });

  test.each(['stdout', 'unwrap', 'out'])('H 71: gives nothing to %s', async (output) => {
    await write({ ...failing, 'fn.sh': script });
    expect(await veranda('app', '--allow-exec', '-o', output)).toMatchObject({ code: 1, stdout: '' });
    expect(await readdir(folder)).toEqual(['app']);
  });

  test('R-20: by its time limit', async () => {
    await write({ ...failing, 'fn.sh': '#!/bin/sh\nsleep 600\n' });
    const { code, stderr } = await veranda('app', '--allow-exec', '--fn-timeout', '300ms');
    expect(code).toBe(1);
    expect(stderr).toContain('limit of 0.3 s');
  });
});

describe('results', () => {
  test('H 23: one without severity is an info', async () => {
    const answer =
      'results: [{message: hello}, {message: bad, severity: error, resourceRef: {kind: A, name: a}, field: {path: spec.x}}]';
    await write({
      ...FILES,
      Kptfile: kptfile('app', 'pipeline:\n  validators:\n  - exec: ./fn.sh\n'),
      'fn.sh': `#!/bin/sh\ncat <<'EOF'\nkind: ResourceList\nitems: []\n${answer}\nEOF\n`,
    });
    const { code, stderr } = await veranda('app', '--allow-exec');
    expect(code).toBe(0);
    expect(stderr).toContain('    [info]: hello\n    [error] A/a spec.x: bad\n');
  });

  test('a selection is told with its size, a skipped step as such', async () => {
    const selected = `${NAMESPACE}    selectors: [{kind: ConfigMap}]\n`;
    const skipped = `${NAMESPACE}    when: "false"\n`;
    await write({ ...FILES, Kptfile: kptfile('app', `pipeline:\n  mutators:\n${selected}${skipped}`) });
    const { stderr } = await veranda('app');
    expect(stderr).toContain('set-namespace:latest" on 1 resource(s) on package "app"\n');
    expect(stderr).toMatch(/^\[SKIPPED\] ".*set-namespace.*" on package "app" \(condition not met\)$/m);
    expect(stderr).toContain('Successfully executed 1 function(s) in 1 package(s).');
  });
});

test.each([
  [['--image-prefix', 'https://x/y'], 1, /image prefix/],
  [['--image-pull-policy', 'sometimes'], 2, /Always, IfNotPresent, Never/],
  [['--fn-timeout', 'soon'], 2, /duration/],
  [['--truncate-output=maybe'], 2, /true or false/],
  [['--fn-binary', 'x'], 2, /absolute path/],
])('H 74: %j is refused', async (flags, code, words) => {
  await write(FILES);
  const result = await veranda('app', ...flags);
  expect(result.stderr).toMatch(words);
  expect(result.code).toBe(code);
  expect(await text('app/app.yaml')).toBe(FILES['app.yaml']);
});

test('an image from elsewhere is refused, which says which flag allows it', async () => {
  const Kptfile = kptfile('app', 'pipeline:\n  mutators:\n  - image: example.net/evil:v1\n');
  await write({ ...FILES, Kptfile });
  const { code, stderr } = await veranda('app');
  expect(stderr).toMatch(/^ImageNotAllowed: .*example\.net\/evil:v1/m);
  expect(stderr).toContain('--allow-images');
  expect(code).toBe(1);
});

test('a Kptfile of 5 MB is refused and stays', async () => {
  const Kptfile = kptfile('app', `# ${'x'.repeat(5_000_000)}\n`);
  await write({ ...FILES, Kptfile });
  const { code, stderr } = await veranda('app');
  expect(stderr).toMatch(/^InvalidKptfile: Kptfile: the Kptfile has 5\d+ bytes/m);
  expect(code).toBe(1);
  expect(await text('app/Kptfile')).toBe(Kptfile);
});

test('a local program stands for an image', async () => {
  await write({
    ...FILES,
    Kptfile: kptfile('app', 'pipeline:\n  mutators:\n  - image: example.com/fns/rename:v1\n'),
    'fn.sh': '#!/bin/sh\nexec sed -e "s/name: one/name: two/"\n',
  });
  const { code, stderr } = await veranda(
    'app',
    '--allow-exec',
    '--fn-binary',
    `example.com/fns/rename=${join(folder, 'app/fn.sh')}`,
  );
  expect(stderr).toContain('Successfully executed 1');
  expect(code).toBe(0);
  expect(await text('app/app.yaml')).toContain('name: two # first');
});

import { readFile, rm, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import type { BareRepository } from '../../env/git/bare-repository.ts';
import { CliProcess, configMap, kptfile, repositoryManifest, variantManifest, veranda, World } from './support.ts';

let world: World;
let deployments: BareRepository;

beforeEach(async () => {
  world = await World.create();
  await world.remote('blueprints', { 'web/Kptfile': kptfile('web'), 'web/config.yaml': configMap('web') }, ['web/v1']);
  deployments = await world.remote('deployments', { 'README.md': 'x\n' });
  await world.write(
    'repositories.yaml',
    `${repositoryManifest('blueprints')}---\n${repositoryManifest('deployments')}`,
  );
  await world.write('shop.yaml', variantManifest('shop'));
});

afterEach(() => world.remove());

const run = (...args: string[]) => veranda(['run', '-f', '.', ...args], { cwd: world.root });
const refs = async () => [...(await deployments.refs()).keys()];

describe('veranda run', () => {
  test('publishes, tells what happens in plain lines, and leaves status and no lock in the current directory', async () => {
    const { code, stdout, stderr } = await run();
    expect(`${stderr}${code}`).toMatch(/0$/);
    expect(stdout.split('\n')[0]?.split(/\s+/)).toEqual([
      ...['VARIANT', 'UPSTREAM', 'DOWNSTREAM', 'PHASE', 'REVISION', 'RENDERED', 'MESSAGE'],
    ]);
    expect(stdout).toMatch(/^shop +blueprints\/web@v1 +deployments\/shop +Published +1 +yes +/m);
    expect(stderr).toMatch(/^shop: Published$/m);
    expect(stderr).not.toMatch(/\p{Cc}(?<!\n)/u);
    expect(await refs()).toEqual(['refs/heads/main', 'refs/tags/shop/v1']);
    expect(await readFile(world.path('.veranda/.gitignore'), 'utf8')).toBe('*\n');
    const status = parse(await readFile(world.path('.veranda/status.yaml'), 'utf8'));
    expect(status).toMatchObject({ kind: 'RunReport', ready: true, errors: [], warnings: [] });
    await expect(readFile(world.path('.veranda/lock'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('a second run changes nothing, and objects that are missing at its start are not deleted', async () => {
    await run();
    const before = await deployments.refs();
    await rm(world.path('shop.yaml'));
    const second = await run('-o', 'json');
    expect(second.code).toBe(0);
    expect(JSON.parse(second.stdout).items).toHaveLength(2);
    expect(await deployments.refs()).toEqual(before);
  });

  test('a folder without manifests and a path that is not there are told', async () => {
    const empty = await veranda(['run', '-f', 'remotes'], { cwd: world.root });
    expect(empty).toMatchObject({ code: 1, stderr: 'error: no objects in *.yaml, *.yml or *.json\n' });
    const missing = await veranda(['run', '-f', 'nothing.yaml', '-f', 'repositories.yaml', '-f', 'shop.yaml'], {
      cwd: world.root,
    });
    expect(missing.code).toBe(1);
    expect(missing.stderr).toMatch(/^error: nothing\.yaml: no such file or folder$/m);
    expect(missing.stdout).toMatch(/^shop .* Published/m);
  });

  test('gives up in time, says so, and reports what there is', async () => {
    const { code, stdout, stderr } = await run('--timeout', '0.001');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: not done after 0\.001 s/m);
    expect(stdout).toMatch(/^shop /m);
  });
});

describe('the lock on a workspace', () => {
  test('a second run on one workspace ends with a clear word', async () => {
    const first = new CliProcess(['run', '-f', '.', '--watch'], { cwd: world.root });
    await first.until(({ stdout }) => stdout.includes('Published'));
    const second = await run();
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`process ${first.child.pid} on `);
    expect(second.stderr).toContain('.veranda/lock');
    first.child.kill('SIGTERM');
    expect((await first.result).code).toBe(0);
    expect((await run()).code).toBe(0);
  });

  test('a run that was killed leaves nothing in the way of the next one', async () => {
    const first = new CliProcess(['run', '-f', '.', '--watch'], { cwd: world.root });
    await first.until(({ stdout }) => stdout.includes('Published'));
    first.child.kill('SIGKILL');
    await first.result;
    expect(await readFile(world.path('.veranda/lock'), 'utf8')).toContain(String(first.child.pid));
    expect((await run()).code).toBe(0);
  });
});

describe('veranda run --watch', () => {
  let watching: CliProcess;

  beforeEach(async () => {
    watching = new CliProcess(['run', '-f', '.', '--watch', '--workspace', 'work'], { cwd: world.root });
    await watching.until(({ stdout }) => /^shop .* Published/m.test(stdout));
  });

  afterEach(async () => {
    watching.child.kill('SIGKILL');
    await watching.result;
  });

  test('follows files that come, change and go, and ends in order', async () => {
    await world.write('more.yaml', variantManifest('more'));
    await watching.until(({ stdout }) => /^more .* Published/m.test(stdout));

    await world.write(
      'shop.yaml',
      variantManifest('shop', {
        spec: '  pipeline:\n    mutators: [{name: team, image: set-labels:v0.2.0, configMap: {team: a}}]\n',
      }),
    );
    await watching.until(({ stdout }) => /^shop .* Published +2 /m.test(stdout));

    await rm(world.path('more.yaml'));
    await watching.until(({ stderr }) => /^more: deleted$/m.test(stderr));
    await watching.until(({ stdout }) => !/^more /m.test(stdout.slice(stdout.lastIndexOf('VARIANT '))));
    expect(await refs()).toEqual(expect.arrayContaining(['refs/heads/deletionProposed/more/v1', 'refs/tags/more/v1']));

    watching.child.kill('SIGINT');
    expect((await watching.result).code).toBe(0);
  });

  test('what a broken file held before stays until the file can be read', async () => {
    await writeFile(world.path('shop.yaml'), `${variantManifest('other')}---\n${variantManifest('shop')}\tbroken\n`);
    await watching.until(({ stdout }) => /^other .* Published/m.test(stdout));
    await watching.until(({ stderr }) => /^error: shop\.yaml:\d+: /m.test(stderr));
    expect(watching.stderr).not.toMatch(/^shop: (being )?deleted/m);
    await world.write('shop.yaml', variantManifest('other'));
    await watching.until(({ stderr }) => /^shop: deleted$/m.test(stderr));
    watching.child.kill('SIGTERM');
    expect((await watching.result).code).toBe(0);
  });

  test('a change that is not allowed is told, and the object stays as it was', async () => {
    const text = repositoryManifest('blueprints', { repo: './remotes/deployments.git' });
    await world.write('repositories.yaml', `${text}---\n${repositoryManifest('deployments')}`);
    await watching.until(({ stderr }) => stderr.includes('repo is immutable'));
    expect(watching.stderr).toMatch(
      /^error: repositories\.yaml:6: Repository default\/blueprints: spec\.git\.repo: repo is immutable$/m,
    );
    watching.child.kill('SIGTERM');
    expect((await watching.result).code).toBe(1);
  });
});

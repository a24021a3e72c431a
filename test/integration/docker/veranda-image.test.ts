import { execFile } from 'node:child_process';
import { chmod, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type DockerEngine, startDockerEngine } from '../../env/docker/engine.ts';
import { buildVerandaImage } from '../../env/images/veranda-image.ts';
import {
  configMap,
  type JsonReport,
  kptfile,
  readyOf,
  repositoryManifest,
  variantManifest,
  World,
} from '../cli/support.ts';

const IMAGE = 'veranda.test/veranda:dev';
/** What a cluster that asks for the restricted profile gives a container. */
const RESTRICTED = ['--read-only', '--cap-drop=ALL', '--security-opt=no-new-privileges', '--tmpfs=/tmp'];

let engine: DockerEngine;
let world: World;

beforeAll(async () => {
  engine = await startDockerEngine();
  await engine.load(await buildVerandaImage(), IMAGE);
  world = await World.create();
}, 120_000);

afterAll(async () => {
  await world?.remove();
  await engine?.stop();
});

async function verandaInContainer(...args: string[]): Promise<string> {
  const folder = ['--volume', `${world.root}:${world.root}`, '--workdir', world.root];
  const lines = await engine.run('run', '--rm', '--network=none', ...RESTRICTED, ...folder, IMAGE, ...args);
  return lines.join('\n');
}

describe('the image of Veranda', () => {
  test('says its version, with a root file system that cannot be written and no rights', async () => {
    const { version } = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8'));
    expect(await verandaInContainer('version')).toContain(version);
  });

  test('brings the git that repositories need', async () => {
    await world.remote('blueprints', { 'web/Kptfile': kptfile('web'), 'web/config.yaml': configMap('web') }, [
      'web/v1',
    ]);
    const deployments = await world.remote('deployments', { 'README.md': 'Deployments.\n' });
    await world.write(
      'repositories.yaml',
      `${repositoryManifest('blueprints')}---\n${repositoryManifest('deployments')}`,
    );
    await world.write('shop.yaml', variantManifest('shop'));
    await giveAway();
    const report = JSON.parse(await verandaInContainer('run', '-f', '.', '-o', 'json')) as JsonReport;
    expect(readyOf(report, 'PackageVariant', 'shop')).toMatch(/^True /);
    expect(await deployments.git('-c', 'safe.directory=*', 'show', 'main:shop/config.yaml')).toContain('name: web');
  });
});

/** The container runs as a user that does not own the folder. */
async function giveAway(): Promise<void> {
  await chmod(world.root, 0o755);
  await promisify(execFile)('chown', ['-R', '65532:65532', world.root]);
}

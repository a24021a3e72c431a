import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import type { BareRepository } from '../../env/git/bare-repository.ts';
import { type Registry, startRegistry } from '../../env/registry/registry.ts';
import { configMap, type JsonReport, kptfile, repositoryManifest, veranda, World } from '../cli/support.ts';
import { FLUX, gzipLayer, pushLayers } from './support.ts';

const USER = { user: 'robot', password: 'correct-horse-battery' };

let registry: Registry;
let world: World;
let deployments: BareRepository;

beforeAll(async () => {
  registry = await startRegistry({ htpasswd: USER, tls: true });
});
afterAll(() => registry?.stop());

beforeEach(async () => {
  world = await World.create();
  deployments = await world.remote('deployments', { 'README.md': 'x\n' });
  await world.write('repository.yaml', repositoryManifest('deployments'));
  await world.write('secret.yaml', secret({ [registry.host]: basicAuth(USER.password) }));
});
afterEach(() => world.remove());

const basicAuth = (password: string) => ({ auth: Buffer.from(`${USER.user}:${password}`).toString('base64') });

function secret(auths: object): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/dockerconfigjson',
    metadata: { name: 'pull' },
    stringData: { '.dockerconfigjson': JSON.stringify({ auths }), 'ca.crt': registry.ca },
  });
}

function revision(workspace: string, source: object, lifecycle = 'Draft'): string {
  return JSON.stringify({
    apiVersion: 'porch.kpt.dev/v1alpha2',
    kind: 'PackageRevision',
    metadata: { name: `deployments.web.${workspace}` },
    spec: { repository: 'deployments', packageName: 'web', workspaceName: workspace, lifecycle, source },
  });
}

const oci = (image: string) => ({ image, secretRef: { name: 'pull' } });
const cloneOf = (image: string) => ({ cloneFrom: { type: 'oci', oci: oci(image) } });
const packageFiles = (data: string, more: Record<string, string> = {}) => ({
  Kptfile: kptfile('blueprint'),
  'config.yaml': configMap('config', data),
  ...more,
});

async function run(): Promise<{ readonly code: number | null; readonly report: JsonReport; readonly text: string }> {
  const { code, stdout, stderr } = await veranda(['run', '-f', '.', '-o', 'json'], { cwd: world.root });
  return { code, report: JSON.parse(stdout) as JsonReport, text: stdout + stderr };
}

function statusOf(report: JsonReport, workspace: string) {
  return report.items.find(({ metadata }) => metadata.name === `deployments.web.${workspace}`)?.status;
}

function conditionOf(report: JsonReport, workspace: string) {
  return statusOf(report, workspace)?.conditions?.find(({ type }) => type === 'Ready');
}

const show = (ref: string, path: string) => deployments.git('show', `${ref}:web/${path}`);

/** A person's commit on a draft: some text of a file is another one. */
async function editByHand(branch: string, path: string, from: string, to: string): Promise<void> {
  const paths = (await deployments.git('ls-tree', '-r', '--name-only', branch)).split('\n');
  const files: Record<string, string> = {};
  for (const each of paths) files[each] = `${await deployments.git('show', `${branch}:${each}`)}\n`;
  files[path] = String(files[path]).replace(from, to);
  await deployments.commit(branch, files, 'by hand');
}

describe('clone and upgrade between two tags of a private registry', () => {
  test('X-01: the lock has the digest, and the upgrade merges three ways into what people changed', async () => {
    const image = `${registry.host}/packages/web`;
    const more = { 'more.yaml': configMap('more') };
    const first = await pushLayers(registry, 'packages/web', 'v1', [
      await gzipLayer(packageFiles('a: "1"\n  b: "1"'), FLUX),
    ]);
    const second = await pushLayers(registry, 'packages/web', 'v2', [
      await gzipLayer(packageFiles('a: "2"\n  b: "1"', more), FLUX),
    ]);
    await world.write('v1.yaml', revision('v1', cloneOf(`${image}:v1`)));
    const cloned = await run();
    expect(conditionOf(cloned.report, 'v1')).toMatchObject({ status: 'True' });
    const lock = { type: 'oci', oci: { image: `${image}:v1`, digest: `${image}@${first}` } };
    expect(statusOf(cloned.report, 'v1')).toMatchObject({ upstreamLock: lock, creationSource: 'clone' });
    const written = parse(await show('drafts/web/v1', 'Kptfile'));
    expect(written).toMatchObject({
      metadata: { name: 'web' },
      upstream: { type: 'oci', oci: { image: `${image}:v1` } },
      upstreamLock: lock,
    });

    await editByHand('drafts/web/v1', 'web/config.yaml', 'b: "1"', 'b: "ours"');
    await world.write('v1.yaml', revision('v1', cloneOf(`${image}:v1`), 'Published'));
    expect(conditionOf((await run()).report, 'v1')).toMatchObject({ status: 'True' });
    // The first tag names something else by now; the lock still says what the package was made from.
    await pushLayers(registry, 'packages/web', 'v1', [await gzipLayer(packageFiles('a: "9"\n  b: "9"'), FLUX)]);
    const source = { upgrade: { currentPackage: { name: 'deployments.web.v1' }, oci: oci(`${image}:v2`) } };
    await world.write('v2.yaml', revision('v2', source));
    const upgraded = await run();
    expect(conditionOf(upgraded.report, 'v2')).toMatchObject({ status: 'True' });
    expect(parse(await show('drafts/web/v2', 'config.yaml'))).toMatchObject({ data: { a: '2', b: 'ours' } });
    expect(parse(await show('drafts/web/v2', 'more.yaml'))).toMatchObject({ metadata: { name: 'more' } });
    expect(parse(await show('drafts/web/v2', 'Kptfile'))).toMatchObject({
      metadata: { name: 'web' },
      upstreamLock: { type: 'oci', oci: { image: `${image}:v2`, digest: `${image}@${second}` } },
    });
    expect(cloned.text).not.toContain(USER.password);
    await deployments.fsck();
  });

  test('a second run changes nothing', async () => {
    await pushLayers(registry, 'packages/again', 'v1', [await gzipLayer(packageFiles('a: "1"'))]);
    await world.write('v1.yaml', revision('v1', cloneOf(`${registry.host}/packages/again:v1`)));
    await run();
    const refs = await deployments.refs();
    await pushLayers(registry, 'packages/again', 'v1', [await gzipLayer(packageFiles('a: "2"'))]);
    expect((await run()).code).toBe(0);
    expect(await deployments.refs()).toEqual(refs);
  });
});

describe('what is told when a package cannot be had', () => {
  beforeEach(async () => {
    await pushLayers(registry, 'packages/told', 'v1', [await gzipLayer(packageFiles('a: "1"'))]);
    await pushLayers(registry, 'packages/told', 'evil', [await gzipLayer({ ...packageFiles('a: "1"'), '../x': 'x' })]);
    await pushLayers(registry, 'packages/told', 'typed', [
      { mediaType: 'application/vnd.example.squashfs', bytes: Buffer.from('x') },
    ]);
  });

  test.each([
    ['O-07: a tag that is not there', ':gone', 'TagNotFound'],
    ['O-02: a digest that is not there, whatever the tag', `:v1@sha256:${'0'.repeat(64)}`, 'ManifestNotFound'],
    ['O-04: a media type that nobody knows', ':typed', 'UnsupportedMediaType'],
    ['an archive that leads out', ':evil', 'InvalidPath'],
  ])('%s', async (_name, suffix, reason) => {
    await world.write('v1.yaml', revision('v1', cloneOf(`${registry.host}/packages/told${suffix}`)));
    const { code, report } = await run();
    expect(code).toBe(1);
    expect(conditionOf(report, 'v1')).toMatchObject({ status: 'False', reason });
  });

  test('O-07: a wrong password, and a Secret that lacks the registry', async () => {
    for (const auths of [{ [registry.host]: basicAuth('hunter2hunter2') }, { 'other.example.com': basicAuth('x') }]) {
      await world.write('secret.yaml', secret(auths));
      await world.write('v1.yaml', revision('v1', cloneOf(`${registry.host}/packages/told:v1`)));
      const { code, report, text } = await run();
      expect(code).toBe(1);
      expect(conditionOf(report, 'v1')).toMatchObject({ status: 'False', reason: 'AuthDenied' });
      expect(text).not.toMatch(/hunter2/);
    }
  });

  test('an authority that is not trusted, and a Secret that is not there', async () => {
    await world.write(
      'v1.yaml',
      revision('v1', { cloneFrom: { oci: { image: `${registry.host}/packages/told:v1` } } }),
    );
    expect(conditionOf((await run()).report, 'v1')).toMatchObject({ status: 'False', reason: 'TLSVerify' });
    await world.write('secret.yaml', '{}');
    await world.write('v1.yaml', revision('v1', cloneOf(`${registry.host}/packages/told:v1`)));
    expect(conditionOf((await run()).report, 'v1')).toMatchObject({ status: 'False', reason: 'SecretNotFound' });
  });

  test('O-01: a registry as a Repository is refused by name', async () => {
    await world.write(
      'registry.yaml',
      JSON.stringify({
        apiVersion: 'config.porch.kpt.dev/v1alpha1',
        kind: 'Repository',
        metadata: { name: 'packages' },
        spec: { type: 'oci', oci: { registry: registry.host } },
      }),
    );
    const { code, report } = await run();
    expect(code).toBe(1);
    const ready = report.items
      .find(({ metadata }) => metadata.name === 'packages')
      ?.status?.conditions?.find(({ type }) => type === 'Ready');
    expect(ready).toMatchObject({
      status: 'False',
      reason: 'UnsupportedType',
      message: expect.stringContaining('oci'),
    });
  });
});

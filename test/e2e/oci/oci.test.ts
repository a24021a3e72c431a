import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { REPOSITORY } from '../../../src/api/kinds.ts';
import { sharedCluster } from '../../env/cluster/shared.ts';
import { BareRepository } from '../../env/git/bare-repository.ts';
import { type GitServer, startGitServer } from '../../env/git/git-server.ts';
import { digestOf } from '../../env/images/image.ts';
import { damageBlob, type Registry, startRegistry } from '../../env/registry/registry.ts';
import { FLUX, gzipLayer, pushLayers, type TarEntry, tarOf } from '../../integration/registry/support.ts';
import { grant, operatorKubeconfig, ownLease } from '../support/access.ts';
import { conditionOf, isReady, makeNamespace, type TestNamespace } from '../support/cluster.ts';
import { type RunningController, startController } from '../support/operator.ts';
import { cloneOf, filesOf, PULL_SECRET, pullSecret, pushPackage, Revisions, repository, upgradeOf } from './world.ts';

const USER = { user: 'robot', password: 'correct-horse-battery' };

let namespace: TestNamespace;
let root: string;
let git: GitServer;
let remote: BareRepository;
let registry: Registry;
let controller: RunningController;
let revisions: Revisions;

beforeAll(async () => {
  const cluster = await sharedCluster();
  namespace = await makeNamespace(cluster.kubeconfig, 'oci');
  root = await mkdtemp(join(tmpdir(), 'veranda-oci-'));
  git = await startGitServer({ root });
  remote = await BareRepository.create(join(root, 'deployments.git'));
  await remote.commit('main', { 'README.md': 'packages\n' });
  registry = await startRegistry({ htpasswd: USER, tls: true });
  const kubeconfig = await operatorKubeconfig(cluster, namespace);
  const secrets = { apiGroups: [''], resources: ['secrets'], resourceNames: [PULL_SECRET], verbs: ['get', 'watch'] };
  await grant(namespace, 'pull', [secrets]);
  controller = await startController({ kubeconfig, flags: [...ownLease(namespace), '--loopback-registries=true'] });
  const spec = { type: 'git', git: { repo: git.url('deployments.git'), branch: 'main' } } as const;
  await namespace.apply(pullSecret(registry), repository('deployments', spec));
  await namespace.until('the repository is Ready', REPOSITORY, (all) => all.every(isReady));
  revisions = new Revisions(namespace, 'deployments', remote);
}, 240_000);

afterAll(async () => {
  await controller?.stop();
  await git?.close();
  await registry?.stop();
  await namespace?.close();
  if (root) await rm(root, { recursive: true, force: true });
}, 240_000);

const draftsOf = (packageName: string) => remote.git('for-each-ref', `refs/heads/drafts/${packageName}`);
const lockOf = (image: string, digest: string) => ({
  type: 'oci',
  oci: { image, digest: `${image.replace(/(?::[\w.-]+)?(?:@.*)?$/, '')}@${digest}` },
});

describe('a package in a registry as the source of a PackageRevision', () => {
  test('O-02: by tag, by digest and by both; the digest wins over a tag that has moved, and the lock has it', async () => {
    const image = `${registry.host}/packages/named`;
    const first = await pushPackage(registry, 'packages/named', 'v1', { data: { version: 'first' } });
    const second = await pushPackage(registry, 'packages/named', 'v1', { data: { version: 'second' } });
    const cases = [
      { as: 'by-tag', named: `${image}:v1`, digest: second, version: 'second' },
      { as: 'by-digest', named: `${image}@${first}`, digest: first, version: 'first' },
      { as: 'by-both', named: `${image}:v1@${first}`, digest: first, version: 'first' },
      { as: 'by-no-such-tag', named: `${image}:gone@${first}`, digest: first, version: 'first' },
    ];
    for (const { as, named } of cases) await revisions.make(as, 'v1', cloneOf(named));
    for (const { as, named, digest, version } of cases) {
      const { status } = await revisions.ready(`deployments.${as}.v1`);
      expect(status).toMatchObject({ upstreamLock: lockOf(named, digest), creationSource: 'clone' });
      expect(parse(await revisions.show(as, 'v1', 'config.yaml'))).toMatchObject({ data: { version } });
      expect(parse(await revisions.show(as, 'v1', 'Kptfile'))).toMatchObject({
        metadata: { name: as },
        upstream: { type: 'oci', oci: { image: named } },
        upstreamLock: lockOf(named, digest),
      });
    }
  });

  test('an upgrade between tags merges three ways, from what the lock says to what the new tag means', async () => {
    const image = `${registry.host}/packages/web`;
    const more = { 'more.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: more\n' };
    await pushPackage(registry, 'packages/web', 'v1', { data: { theirs: '1', ours: '1', same: '1' } });
    const second = await pushPackage(registry, 'packages/web', 'v2', {
      data: { theirs: '2', ours: '1', same: '1' },
      more,
    });
    const third = await pushPackage(registry, 'packages/web', 'v3', { data: { theirs: '3', ours: '1', same: '1' } });
    const v1 = await revisions.make('web', 'v1', cloneOf(`${image}:v1`));
    await revisions.ready(v1);
    await revisions.editByHand('web', 'v1', 'config.yaml', 'ours: "1"', 'ours: "changed"');
    await revisions.publish(v1);
    // The first tag means something else by now.
    await pushPackage(registry, 'packages/web', 'v1', { data: { theirs: '9', ours: '9', same: '9' } });

    const v2 = await revisions.make('web', 'v2', upgradeOf(v1, `${image}:v2`));
    const { status } = await revisions.ready(v2);
    expect(status).toMatchObject({ upstreamLock: lockOf(`${image}:v2`, second), creationSource: 'upgrade' });
    const merged = { data: { theirs: '2', ours: 'changed', same: '1' } };
    expect(parse(await revisions.show('web', 'v2', 'config.yaml'))).toMatchObject(merged);
    expect(parse(await revisions.show('web', 'v2', 'more.yaml'))).toMatchObject({ metadata: { name: 'more' } });
    await revisions.publish(v2);

    // By tag and digest; what upstream no longer has goes.
    const v3 = await revisions.make('web', 'v3', upgradeOf(v2, `${image}:v2@${third}`));
    expect((await revisions.ready(v3)).status).toMatchObject({ upstreamLock: lockOf(`${image}:v2@${third}`, third) });
    const again = { data: { theirs: '3', ours: 'changed', same: '1' } };
    expect(parse(await revisions.show('web', 'v3', 'config.yaml'))).toMatchObject(again);
    expect(await remote.git('ls-tree', '-r', '--name-only', 'drafts/web/v3', 'web/')).not.toContain('more.yaml');
    await remote.fsck();
  });

  test('O-07: what is wrong with the credentials and what is wrong with the tag are told apart, and recover', async () => {
    const image = `${registry.host}/packages/late:v1`;
    await namespace.apply(pullSecret(registry, 'hunter2hunter2'));
    const name = await revisions.make('late', 'v1', cloneOf(image));
    const denied = await revisions.failed(name, 'AuthDenied');
    await namespace.apply(pullSecret(registry));
    expect(await revisions.failed(name, 'TagNotFound')).toContain(image);
    expect(await draftsOf('late')).toBe('');
    await pushPackage(registry, 'packages/late', 'v1', { data: { version: 'late' } });
    await revisions.ready(name);
    expect(denied + controller.output()).not.toMatch(/hunter2|correct-horse/);
  });

  test('O-01: a registry as a Repository is refused by name', async () => {
    await namespace.apply(repository('images', { type: 'oci', oci: { registry: registry.host } }));
    const [refused] = await namespace.until('the refusal', REPOSITORY, (all) =>
      all.some((object) => conditionOf(object, 'Ready')?.reason === 'UnsupportedType'),
    );
    expect(refused).toBeDefined();
  });
});

describe('archives that are not what they should be', () => {
  test('a layer with other bytes than its digest says is DigestMismatch, nothing is written, and it recovers', async () => {
    const layer = await gzipLayer(filesOf({ data: { version: 'whole' } }), FLUX);
    await pushLayers(registry, 'packages/damaged', 'v1', [layer]);
    const digest = digestOf(layer.bytes);
    const repair = await damageBlob(registry, digest);
    const name = await revisions.make('damaged', 'v1', cloneOf(`${registry.host}/packages/damaged:v1`));
    expect(await revisions.failed(name, 'DigestMismatch')).toContain(digest);
    expect(await draftsOf('damaged')).toBe('');
    await repair();
    await revisions.ready(name);
  });

  const hostile: readonly (readonly [string, string, () => Promise<Buffer>, string])[] = [
    ['leads out', 'climbing', () => archiveWith({ name: '../out', content: 'x' }), 'InvalidPath'],
    [
      'links out',
      'linking',
      () => archiveWith({ name: 'l', type: 'symlink', linkname: '../../etc/passwd' }),
      'LinkEscapes',
    ],
    ['is a bomb', 'bomb', async () => gzipSync(Buffer.alloc(200 * 1024 * 1024)), 'TooLarge'],
    [
      'is cut off',
      'cut',
      async () => gzipSync((await tarOf(filesOf({ data: {} }))).subarray(0, 700)),
      'InvalidArchive',
    ],
  ];
  test.each(hostile)(
    'one that %s is refused on the object, and nothing is written',
    async (_what, pkg, bytes, reason) => {
      await pushLayers(registry, `hostile/${pkg}`, 'v1', [{ mediaType: FLUX, bytes: await bytes() }]);
      const name = await revisions.make(pkg, 'v1', cloneOf(`${registry.host}/hostile/${pkg}:v1`));
      expect(await revisions.failed(name, reason)).not.toBe('');
      expect(await draftsOf(pkg)).toBe('');
    },
  );
});

async function archiveWith(entry: TarEntry): Promise<Buffer> {
  const [kptfile] = Object.entries(filesOf({ data: {} })).map(([name, content]) => ({ name, content }));
  return gzipSync(await tarOf([...(kptfile ? [kptfile] : []), entry]));
}

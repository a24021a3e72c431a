import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createGzip, gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ArtifactReader } from '../../../src/registry/artifact.ts';
import { RegistryClient } from '../../../src/registry/client.ts';
import { digestOf, MANIFEST_TYPE } from '../../env/images/image.ts';
import { pushManifest } from '../../env/images/push.ts';
import { damageBlob, type Registry, startRegistry } from '../../env/registry/registry.ts';
import { header } from '../../unit/registry/tar.ts';
import { blob, descriptorOf, FLUX, gzipLayer, pushLayers, type TestLayer, tarOf, zstdLayer } from './support.ts';

const KPTFILE = 'apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: web\n';
const PACKAGE = { Kptfile: KPTFILE, 'deploy/app.yaml': 'kind: Deployment\n' };
const PATHS = ['Kptfile', 'deploy/app.yaml'];

let registry: Registry;
let client: RegistryClient;
let next = 0;

beforeAll(async () => {
  registry = await startRegistry();
  client = new RegistryClient({ loopback: true });
});

afterAll(async () => {
  await client?.close();
  await registry?.stop();
});

const call = () => ({ signal: AbortSignal.timeout(50_000) });

/** Pushes layers to a repository of their own and reads the package back. */
async function readBack(layers: readonly TestLayer[]) {
  const repository = `packages/p${next++}`;
  await pushLayers(registry, repository, 'v1', layers);
  return (await new ArtifactReader(client).read(`${registry.host}/${repository}:v1`, call())).content;
}

describe('forms of packages', () => {
  test.each<[string, () => Promise<readonly TestLayer[]>]>([
    ["kpt's image with one gzip layer", async () => [await gzipLayer(PACKAGE)]],
    [
      "O-04: Flux's artifact",
      async () => [await gzipLayer({ './Kptfile': KPTFILE, './deploy/app.yaml': 'kind: Deployment\n' }, FLUX)],
    ],
    [
      'O-04: a plain tar',
      async () => [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', bytes: await tarOf(PACKAGE) }],
    ],
    ['O-04: a zstd tar', async () => [await zstdLayer(PACKAGE)]],
    [
      "Docker's layer type",
      async () => [await gzipLayer(PACKAGE, 'application/vnd.docker.image.rootfs.diff.tar.gzip')],
    ],
    [
      'files with titles, as ORAS pushes them',
      async () =>
        Object.entries(PACKAGE).map(([name, content]) => ({
          mediaType: 'application/vnd.oci.image.layer.v1.tar',
          bytes: Buffer.from(content),
          annotations: { 'org.opencontainers.image.title': name },
        })),
    ],
    [
      'a folder, as ORAS pushes it',
      async () => [
        {
          ...(await gzipLayer({ 'web/Kptfile': KPTFILE, 'web/deploy/app.yaml': 'kind: Deployment\n' })),
          annotations: { 'org.opencontainers.image.title': 'web', 'io.deis.oras.content.unpack': 'true' },
        },
      ],
    ],
    [
      'an archive with a title',
      async () => [
        {
          ...(await gzipLayer(PACKAGE, 'application/vnd.example.package')),
          annotations: { 'org.opencontainers.image.title': 'web.tar.gz' },
        },
      ],
    ],
  ])('%s gives the package', async (_name, layers) => {
    const pkg = await readBack(await layers());
    expect(pkg.paths()).toEqual(PATHS);
    expect(Buffer.from(pkg.get('Kptfile')?.bytes ?? []).toString()).toBe(KPTFILE);
  });

  test('O-04: an unsupported type is named', async () => {
    const layer = { mediaType: 'application/vnd.example.squashfs', bytes: Buffer.from('x') };
    await expect(readBack([layer])).rejects.toMatchObject({
      reason: 'UnsupportedMediaType',
      retry: 'terminal',
      message: expect.stringContaining('application/vnd.example.squashfs'),
    });
  });

  test('O-04: a layer that is not what its type says is no reason to guess', async () => {
    const layer = { mediaType: FLUX, bytes: await tarOf(PACKAGE) };
    await expect(readBack([layer])).rejects.toMatchObject({
      reason: 'InvalidArchive',
      message: expect.stringContaining('gzip'),
    });
  });

  test('an index gives its only artifact', async () => {
    const repository = `packages/p${next++}`;
    await pushLayers(registry, repository, 'part', [await gzipLayer(PACKAGE)]);
    const part = await client.manifest({ host: registry.host, repository, tag: 'part' }, call());
    const entry = descriptorOf(blob(MANIFEST_TYPE, part.bytes));
    const type = 'application/vnd.oci.image.index.v1+json';
    const index = blob(type, Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: type, manifests: [entry] })));
    await pushManifest(registry, repository, 'v1', index, []);
    const read = await new ArtifactReader(client).read(`${registry.host}/${repository}:v1`, call());
    expect(read.reference).toBe(`${registry.host}/${repository}@${index.digest}`);
    expect(read.content.paths()).toEqual(PATHS);
  });

  test('keeps executable bits and links within the package', async () => {
    const pkg = await readBack([
      await gzipLayer([
        { name: 'Kptfile', content: KPTFILE },
        { name: 'run.sh', content: '#!/bin/sh\n', mode: 0o755 },
        { name: 'bin/run', type: 'symlink', linkname: '../run.sh' },
        { name: 'copy.sh', type: 'link', linkname: 'run.sh' },
      ]),
    ]);
    expect([...pkg.entries()].map(([path, { mode }]) => [path, mode])).toEqual([
      ['Kptfile', '100644'],
      ['bin/run', '120000'],
      ['copy.sh', '100755'],
      ['run.sh', '100755'],
    ]);
  });

  test('of several layers the last writer of a path wins, and whiteouts remove', async () => {
    const pkg = await readBack([
      await gzipLayer({
        Kptfile: KPTFILE,
        'a.yaml': 'a: 1\n',
        'b/one.yaml': 'b: 1\n',
        'c/x.yaml': 'c: 1\n',
        d: 'file\n',
      }),
      await gzipLayer({ 'a.yaml': 'a: 2\n', 'b/.wh.one.yaml': '', 'b/two.yaml': 'b: 2\n' }),
      await gzipLayer({ 'c/.wh..wh..opq': '', 'c/y.yaml': 'c: 2\n', 'd/now-a-folder': 'x\n' }),
    ]);
    expect(pkg.paths()).toEqual(['Kptfile', 'a.yaml', 'b/two.yaml', 'c/y.yaml', 'd/now-a-folder']);
    expect(Buffer.from(pkg.get('a.yaml')?.bytes ?? []).toString()).toBe('a: 2\n');
  });

  test('without a Kptfile there is no package', async () => {
    await expect(readBack([await gzipLayer({ 'etc/passwd': 'root\n' })])).rejects.toMatchObject({
      reason: 'PackageNotFound',
    });
  });
});

describe('O-02: names by tag, digest and both', () => {
  test('the digest wins over a tag that has moved since', async () => {
    const first = await pushLayers(registry, 'named/web', 'v1', [await gzipLayer({ ...PACKAGE, 'v.yaml': 'v: 1\n' })]);
    const second = await pushLayers(registry, 'named/web', 'v1', [await gzipLayer({ ...PACKAGE, 'v.yaml': 'v: 2\n' })]);
    const reader = new ArtifactReader(client);
    const version = async (suffix: string) => {
      const { content, reference } = await reader.read(`${registry.host}/named/web${suffix}`, call());
      return [reference.split('@')[1], Buffer.from(content.get('v.yaml')?.bytes ?? []).toString()];
    };
    expect(await version(':v1')).toEqual([second, 'v: 2\n']);
    expect(await version(`@${first}`)).toEqual([first, 'v: 1\n']);
    expect(await version(`:v1@${first}`)).toEqual([first, 'v: 1\n']);
    expect(await version(`:no-such-tag@${first}`)).toEqual([first, 'v: 1\n']);
  });

  test('content is fetched once however many read it', async () => {
    await pushLayers(registry, 'named/once', 'v1', [await gzipLayer(PACKAGE)]);
    const reader = new ArtifactReader(client);
    const image = `${registry.host}/named/once:v1`;
    await Promise.all(Array.from({ length: 20 }, () => reader.read(image, call())));
    await reader.read(image, call());
    expect(registry.log().match(/GET \/v2\/named\/once\/blobs\/[^"]*" 200/g)).toHaveLength(1);
  });
});

describe('hostile archives', () => {
  const file = (name: string) => [
    { name: 'Kptfile', content: KPTFILE },
    { name, content: 'x' },
  ];
  test.each<[string, readonly object[], string]>([
    ['a path that leads out', file('../out'), 'InvalidPath'],
    ['a path that leads out from within', file('a/../../out'), 'InvalidPath'],
    ['an absolute path', file('/etc/passwd'), 'InvalidPath'],
    ['an empty part', file('a//b'), 'InvalidPath'],
    ['a .git folder', file('.git/config'), 'InvalidPath'],
    ['a .GIT folder below', file('sub/.GIT/hooks/x'), 'InvalidPath'],
    ['a backslash', file('a\\..\\b'), 'InvalidPath'],
    ['a link that leads out', [{ name: 'l', type: 'symlink', linkname: '../../etc/passwd' }], 'LinkEscapes'],
    ['an absolute link', [{ name: 'l', type: 'symlink', linkname: '/etc/passwd' }], 'LinkEscapes'],
    ['a hard link that leads out', [{ name: 'l', type: 'link', linkname: '../x' }], 'LinkEscapes'],
    ['an absolute hard link', [{ name: 'l', type: 'link', linkname: '/etc/passwd' }], 'LinkEscapes'],
    ['a hard link to nothing', [{ name: 'l', type: 'link', linkname: 'gone' }], 'InvalidArchive'],
    ['a device', [{ name: 'd', type: 'character-device', devmajor: 1, devminor: 3 }], 'UnsupportedEntry'],
    ['a pipe', [{ name: 'p', type: 'fifo' }], 'UnsupportedEntry'],
    ['a name that comes twice', [...file('a'), { name: './a', content: 'y' }], 'DuplicatePath'],
    [
      'a file below a link',
      [
        { name: 'l', type: 'symlink', linkname: 'sub' },
        { name: 'l/x', content: 'x' },
      ],
      'DuplicatePath',
    ],
  ])('%s is refused', async (_name, entries, reason) => {
    const layer = await gzipLayer(entries as Parameters<typeof tarOf>[0]);
    await expect(readBack([layer])).rejects.toMatchObject({ reason, retry: 'terminal' });
  });

  test('a gzip bomb stops long before it is unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024), { level: 9 });
    const layer = { mediaType: FLUX, bytes: bomb };
    await expect(readBack([layer])).rejects.toMatchObject({
      reason: 'TooLarge',
      message: expect.stringMatching(/unpacks/),
    });
  });

  test('a file that claims more bytes than a file may have is refused by its header', async () => {
    const archive = await tarOf({ Kptfile: KPTFILE, 'big.yaml': 'x' });
    const layer = { mediaType: FLUX, bytes: gzipSync(withSize(archive, 'big.yaml', 8 * 1024 ** 3 - 1)) };
    await expect(readBack([layer])).rejects.toMatchObject({
      reason: 'TooLarge',
      message: expect.stringContaining('big.yaml'),
    });
  });

  test.each([1, 511, 1024, 1025, 1536, 1700, 2048, 2560])(
    'an archive that ends %i bytes early is refused',
    async (missing) => {
      const archive = await tarOf({ Kptfile: KPTFILE, 'a.yaml': 'x'.repeat(700) });
      const cut = archive.subarray(0, archive.length - missing);
      for (const layer of [
        { mediaType: 'application/x-tar', bytes: cut },
        { mediaType: FLUX, bytes: gzipSync(cut) },
      ]) {
        await expect(readBack([layer])).rejects.toMatchObject({ reason: 'InvalidArchive' });
      }
    },
  );

  test('an archive of 1,000,000 entries is given up at the limit', async () => {
    const compressed = createGzip({ level: 1 });
    Readable.from(emptyFiles(1_000_000)).pipe(compressed);
    const layer = { mediaType: FLUX, bytes: await buffer(compressed) };
    await expect(readBack([layer])).rejects.toMatchObject({
      reason: 'TooLarge',
      retry: 'terminal',
      message: expect.stringMatching(/50000 entries|20000 files/),
    });
  });

  test('a zstd bomb stops long before it is unpacked', async () => {
    const bomb = zstdCompressSync(Buffer.alloc(200 * 1024 * 1024));
    const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd', bytes: bomb };
    await expect(readBack([layer])).rejects.toMatchObject({ reason: 'TooLarge' });
  });

  test('a layer of other bytes than its digest says is DigestMismatch, though its size is right', async () => {
    const layer = await gzipLayer(PACKAGE);
    await pushLayers(registry, 'damaged/web', 'v1', [layer]);
    const repair = await damageBlob(registry, digestOf(layer.bytes));
    const read = () => new ArtifactReader(client).read(`${registry.host}/damaged/web:v1`, call());
    await expect(read()).rejects.toMatchObject({ reason: 'DigestMismatch', retry: 'backoff' });
    await repair();
    expect((await read()).content.paths()).toEqual(PATHS);
  });

  test('gzip data that ends early is refused', async () => {
    const { bytes } = await gzipLayer(PACKAGE);
    const cut = bytes.subarray(0, bytes.length - 20);
    expect(() => gunzipSync(cut)).toThrow();
    await expect(readBack([{ mediaType: FLUX, bytes: cut }])).rejects.toMatchObject({ reason: 'InvalidArchive' });
  });

  test('names of hundreds of characters are read whole', async () => {
    const long = `${'d/'.repeat(60)}${'n'.repeat(180)}.yaml`;
    expect((await readBack([await gzipLayer({ Kptfile: KPTFILE, [long]: 'x' })])).has(long)).toBe(true);
  });

  test('more layers, and larger layers, than are allowed are not fetched', async () => {
    const reader = new ArtifactReader(client, { layers: 2, layerBytes: 10 });
    const layer = await gzipLayer(PACKAGE);
    await pushLayers(registry, 'hostile/many', 'v1', [layer, layer, layer]);
    await pushLayers(registry, 'hostile/large', 'v1', [layer]);
    for (const name of ['many', 'large']) {
      await expect(reader.read(`${registry.host}/hostile/${name}:v1`, call())).rejects.toMatchObject({
        reason: 'TooLarge',
      });
    }
    expect(registry.log()).not.toMatch(/GET \/v2\/hostile\/\w+\/blobs/);
  });
});

/** Empty files, a thousand at a time: only names and checksums differ. */
function* emptyFiles(count: number): Generator<Buffer> {
  const block = header('f0000000');
  const sum = Number.parseInt(block.toString('latin1', 148, 154), 8);
  for (let from = 0; from < count; from += 1_000) {
    const blocks = Buffer.alloc(1_000 * 512);
    for (let at = 0; at < 1_000; at += 1) {
      const digits = String(from + at).padStart(7, '0');
      const more = [...digits].reduce((total, digit) => total + Number(digit), 0);
      block.write(digits, 1);
      block.write((sum + more).toString(8).padStart(6, '0'), 148);
      block.copy(blocks, at * 512);
    }
    yield blocks;
  }
  yield Buffer.alloc(1024);
}

/** The archive with another size in the header of an entry; its checksum is put right. */
function withSize(archive: Buffer, name: string, size: number): Buffer {
  const changed = Buffer.from(archive);
  const at = changed.indexOf(`${name}\0`);
  changed.write(`${size.toString(8).padStart(11, '0')}\0`, at + 124, 'latin1');
  changed.write(' '.repeat(8), at + 148, 'latin1');
  const sum = changed.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
  changed.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
  return changed;
}

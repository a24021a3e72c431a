import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { pack } from 'tar-stream';

export interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  readonly bytes: Buffer;
}

/** An OCI image of one platform (linux/amd64), whole in memory. */
export interface Image {
  readonly manifest: Blob;
  readonly config: Blob;
  readonly layers: readonly Blob[];
}

/** What the image config says about running it. */
export interface RunSettings {
  readonly entrypoint: readonly string[];
  readonly cmd?: readonly string[];
  readonly env?: readonly string[];
  /** Absent means root. */
  readonly user?: string;
  readonly workingDir?: string;
  /** Such as `5000/tcp`. */
  readonly exposedPorts?: readonly string[];
}

export interface LayerFile {
  /** Absolute path in the image. */
  readonly path: string;
  /** Default 0o644. */
  readonly mode?: number;
  readonly content?: Buffer | string;
  /** Default `file`. */
  readonly type?: 'file' | 'directory' | 'symlink';
  readonly target?: string;
}

/** A layer and the digest of its tar archive without compression, which the image config names. */
export interface Layer {
  readonly bytes: Buffer;
  readonly diffId: string;
}

export const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
export const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json';
export const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar+gzip';
/** The same files give the same bytes, so digests do not change from run to run. */
const NO_TIME = new Date(0);

/** What programs expect of a system without one: users to run as and a folder for temporary files. */
export const BASE_FILES: readonly LayerFile[] = [
  { path: '/etc', type: 'directory', mode: 0o755 },
  {
    path: '/etc/passwd',
    content: 'root:x:0:0:root:/:/none\nnobody:x:65534:65534:nobody:/:/none\n',
  },
  { path: '/etc/group', content: 'root:x:0:\nnobody:x:65534:\n' },
  { path: '/tmp', type: 'directory', mode: 0o1777 },
];

export async function makeLayer(files: readonly LayerFile[]): Promise<Layer> {
  const archive = pack();
  for (const { path, mode = 0o644, content = '', type = 'file', target } of files) {
    const entry = { name: path.replace(/^\//, ''), mode, type, linkname: target, mtime: NO_TIME, uid: 0, gid: 0 };
    if (type === 'file') archive.entry(entry, content);
    else archive.entry(entry);
  }
  archive.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive) chunks.push(chunk as Uint8Array);
  const tar = Buffer.concat(chunks);
  return { bytes: await promisify(gzip)(tar, { level: 1 }), diffId: digestOf(tar) };
}

export function makeImage(layers: readonly Layer[], settings: RunSettings): Image {
  const { entrypoint, cmd, env = ['PATH=/usr/local/bin:/bin'], user, workingDir, exposedPorts } = settings;
  const config = jsonBlob(CONFIG_TYPE, {
    architecture: 'amd64',
    os: 'linux',
    created: NO_TIME.toISOString(),
    config: {
      Entrypoint: entrypoint,
      Cmd: cmd,
      Env: env,
      User: user,
      WorkingDir: workingDir,
      ExposedPorts: exposedPorts && Object.fromEntries(exposedPorts.map((port) => [port, {}])),
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(() => ({ created: NO_TIME.toISOString(), created_by: 'test' })),
  });
  const blobs = layers.map(({ bytes }) => ({ mediaType: LAYER_TYPE, digest: digestOf(bytes), bytes }));
  const manifest = jsonBlob(MANIFEST_TYPE, {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: descriptor(config),
    layers: blobs.map(descriptor),
  });
  return { manifest, config, layers: blobs };
}

/** The image as an archive for `ctr images import` (OCI layout) and `docker load` (its manifest.json). */
export async function imageArchive(image: Image, reference: string): Promise<Buffer> {
  const archive = pack();
  const file = (name: string, content: Buffer | string) => archive.entry({ name, mtime: NO_TIME }, content);
  const blobPath = ({ digest }: Blob) => `blobs/${digest.replace(':', '/')}`;
  const { manifest, config, layers } = image;
  for (const blob of [manifest, config, ...layers]) file(blobPath(blob), blob.bytes);
  file('oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  const annotations = { 'io.containerd.image.name': reference, 'org.opencontainers.image.ref.name': reference };
  file('index.json', JSON.stringify({ schemaVersion: 2, manifests: [{ ...descriptor(manifest), annotations }] }));
  const docker = { Config: blobPath(config), RepoTags: [reference], Layers: layers.map(blobPath) };
  file('manifest.json', JSON.stringify([docker]));
  archive.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function jsonBlob(mediaType: string, content: object): Blob {
  const bytes = Buffer.from(JSON.stringify(content));
  return { mediaType, digest: digestOf(bytes), bytes };
}

function descriptor({ mediaType, digest, bytes }: Blob) {
  return { mediaType, digest, size: bytes.length };
}

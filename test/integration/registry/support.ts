import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import type { RegistryCall } from '../../../src/registry/client.ts';
import { credentialsFor } from '../../../src/registry/credentials.ts';
import { type Blob, digestOf, MANIFEST_TYPE } from '../../env/images/image.ts';
import { pushManifest, type RegistryAccess } from '../../env/images/push.ts';
import type { Registry } from '../../env/registry/registry.ts';

export interface TarEntry extends Partial<Omit<Header, 'name'>> {
  readonly name: string;
  readonly content?: string | Buffer;
}

/** Entries given as strings are files with that content. */
export async function tarOf(entries: Readonly<Record<string, string>> | readonly TarEntry[]): Promise<Buffer> {
  const list: readonly TarEntry[] = Array.isArray(entries)
    ? entries
    : Object.entries(entries as Record<string, string>).map(([name, content]) => ({ name, content }));
  const archive = pack();
  for (const { content, ...header } of list) {
    const fields = { mtime: new Date(0), ...header } as Header;
    if (content === undefined) archive.entry(fields);
    else archive.entry(fields, content);
  }
  archive.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

export interface TestLayer {
  readonly mediaType: string;
  readonly bytes: Buffer;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Said of the bytes in place of the truth. */
  readonly claims?: { readonly digest?: string; readonly size?: number };
}

export const OCI_GZIP = 'application/vnd.oci.image.layer.v1.tar+gzip';
export const FLUX = 'application/vnd.cncf.flux.content.v1.tar+gzip';

export async function gzipLayer(entries: Parameters<typeof tarOf>[0], mediaType = OCI_GZIP): Promise<TestLayer> {
  return { mediaType, bytes: gzipSync(await tarOf(entries)) };
}

export async function zstdLayer(entries: Parameters<typeof tarOf>[0]): Promise<TestLayer> {
  return { mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd', bytes: zstdCompressSync(await tarOf(entries)) };
}

/** Pushes an artifact of these layers. Returns its digest. */
export async function pushLayers(
  registry: RegistryAccess,
  repository: string,
  tag: string,
  layers: readonly TestLayer[],
  options: { readonly configType?: string } = {},
): Promise<string> {
  const config = blob(options.configType ?? 'application/vnd.oci.empty.v1+json', Buffer.from('{}'));
  const blobs = layers.map(({ mediaType, bytes }) => blob(mediaType, bytes));
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: descriptorOf(config),
    layers: layers.map((layer, index) => ({
      ...descriptorOf(blobs[index] as Blob),
      ...(layer.annotations && { annotations: layer.annotations }),
      ...layer.claims,
    })),
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  return pushManifest(registry, repository, tag, blob(MANIFEST_TYPE, bytes), [config, ...blobs]);
}

export function blob(mediaType: string, bytes: Buffer): Blob {
  return { mediaType, digest: digestOf(bytes), bytes };
}

export function descriptorOf({ mediaType, digest, bytes }: Blob) {
  return { mediaType, digest, size: bytes.length };
}

/** A call as the registry's own user, or as another one. */
export function callAs(registry: Registry, password = registry.credentials?.password): RegistryCall {
  const { credentials, host, ca } = registry;
  return {
    signal: AbortSignal.timeout(30_000),
    ...(credentials && password !== undefined
      ? { credentials: credentialsFor(host, { username: credentials.user, password }) }
      : {}),
    ...(ca && { ca }),
  };
}

export function anonymousCall(registry: Registry): RegistryCall {
  return { signal: AbortSignal.timeout(30_000), ...(registry.ca && { ca: registry.ca }) };
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20);
}

import { Agent, request } from 'undici';
import type { Registry } from '../registry/registry.ts';
import type { Blob, Image } from './image.ts';

/** What has to be known of a registry for uploading to it. */
export type RegistryAccess = Pick<Registry, 'url' | 'ca' | 'credentials' | 'tokenServer'>;

/** Uploads an image by the calls of the distribution specification. Returns the digest of its manifest. */
export function pushImage(registry: RegistryAccess, repository: string, tag: string, image: Image): Promise<string> {
  return pushManifest(registry, repository, tag, image.manifest, [image.config, ...image.layers]);
}

/** Uploads blobs and any manifest that names them: for artifacts, and for images that are not what they should be. */
export async function pushManifest(
  registry: RegistryAccess,
  repository: string,
  tag: string,
  manifest: Blob,
  blobs: readonly Blob[],
): Promise<string> {
  const client = await RegistryCalls.open(registry, repository);
  try {
    for (const blob of blobs) await client.pushBlob(blob);
    await client.pushManifest(tag, manifest);
    return manifest.digest;
  } finally {
    await client.close();
  }
}

class RegistryCalls {
  readonly #base: string;
  readonly #dispatcher: Agent;
  readonly #headers: Record<string, string>;

  private constructor(base: string, dispatcher: Agent, headers: Record<string, string>) {
    this.#base = base;
    this.#dispatcher = dispatcher;
    this.#headers = headers;
  }

  static async open(registry: RegistryAccess, repository: string): Promise<RegistryCalls> {
    const dispatcher = new Agent(registry.ca === undefined ? {} : { connect: { ca: registry.ca } });
    return new RegistryCalls(`${registry.url}/v2/${repository}`, dispatcher, await authorization(registry, repository));
  }

  async pushBlob({ bytes, digest }: Blob): Promise<void> {
    if ((await this.#call('HEAD', `${this.#base}/blobs/${digest}`)).status === 200) return;
    const upload = await this.#call('POST', `${this.#base}/blobs/uploads/`);
    if (upload.status !== 202 || upload.location === undefined) throw refused('an upload', upload);
    const target = new URL(upload.location, this.#base);
    target.searchParams.set('digest', digest);
    const done = await this.#call('PUT', target.href, bytes, 'application/octet-stream');
    if (done.status !== 201) throw refused(`blob ${digest}`, done);
  }

  async pushManifest(reference: string, { bytes, mediaType }: Blob): Promise<void> {
    const done = await this.#call('PUT', `${this.#base}/manifests/${reference}`, bytes, mediaType);
    if (done.status !== 201) throw refused(`manifest ${reference}`, done);
  }

  close(): Promise<void> {
    return this.#dispatcher.close();
  }

  async #call(method: 'HEAD' | 'POST' | 'PUT', url: string, body?: Buffer, type?: string): Promise<Answer> {
    const headers = { ...this.#headers, ...(type !== undefined && { 'content-type': type }) };
    const answer = await request(url, { method, headers, body, dispatcher: this.#dispatcher });
    return { status: answer.statusCode, location: answer.headers.location?.toString(), text: await answer.body.text() };
  }
}

interface Answer {
  readonly status: number;
  readonly location?: string;
  readonly text: string;
}

async function authorization(registry: RegistryAccess, repository: string): Promise<Record<string, string>> {
  const { credentials, tokenServer } = registry;
  if (credentials === undefined) return {};
  const basic = `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64')}`;
  if (tokenServer === undefined) return { authorization: basic };
  const url = new URL(tokenServer.realm);
  url.searchParams.set('service', tokenServer.service);
  url.searchParams.set('scope', `repository:${repository}:pull,push`);
  const answer = await request(url, { headers: { authorization: basic } });
  const { token } = (await answer.body.json()) as { token: string };
  return { authorization: `Bearer ${token}` };
}

function refused(what: string, { status, text }: Answer): Error {
  return new Error(`the registry refused ${what}: ${status} ${text}`);
}

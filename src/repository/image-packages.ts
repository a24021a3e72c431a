import type { Package } from '../package/package.ts';
import { ArtifactReader } from '../registry/artifact.ts';
import { RegistryClient, type RegistryClientOptions } from '../registry/client.ts';
import { type CredentialSource, credentialsFor } from '../registry/credentials.ts';
import { DockerConfig } from '../registry/docker-config.ts';
import { parseLocation } from '../registry/reference.ts';
import type { GitCredentials } from './git/types.ts';
import type { OciLock } from './types.ts';

export interface FetchedImage {
  /** `image` is the text that was given, without `oci://`. */
  readonly lock: OciLock;
  readonly content: Package;
}

/** Packages in images and artifacts of any registry; a registry need not be known before. */
export class ImagePackages {
  readonly #client: RegistryClient;
  readonly #reader: ArtifactReader;

  constructor(options: RegistryClientOptions) {
    this.#client = new RegistryClient(options);
    this.#reader = new ArtifactReader(this.#client);
  }

  /**
   * @param credentials of a Secret: `.dockerconfigjson`, or user and password, or a token, for the image's own registry
   * @throws as `ArtifactReader.read`; TransientError InvalidDockerConfig
   */
  async fetch(image: string, credentials: GitCredentials | undefined, signal: AbortSignal): Promise<FetchedImage> {
    const source = credentials && sourceOf(image, credentials);
    const call = { signal, ...(source ? { credentials: source } : {}), ca: credentials?.caBundle };
    const { reference, content } = await this.#reader.read(image, call);
    return { lock: { type: 'oci', oci: { image: image.replace(/^oci:\/\//, ''), digest: reference } }, content };
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}

function sourceOf(image: string, credentials: GitCredentials): CredentialSource | undefined {
  const { dockerConfig, username, password, bearerToken } = credentials;
  if (dockerConfig !== undefined) return new DockerConfig(dockerConfig, 'the Secret');
  const { host } = parseLocation(image);
  if (username !== undefined && password !== undefined) return credentialsFor(host, { username, password });
  return bearerToken === undefined ? undefined : credentialsFor(host, { registryToken: bearerToken });
}

import { LRUCache } from 'lru-cache';
import { TerminalError } from '../api/errors.ts';
import { SingleFlight } from '../concurrency/single-flight.ts';
import type { RegistryCall, RegistryClient } from './client.ts';
import { ANONYMOUS } from './credentials.ts';
import { type ImageManifest, isObject, type Platform, parseJson, parseManifest, pickImage } from './manifest.ts';
import { formatLocation, type ImageLocation, parseLocation } from './reference.ts';

/** An image as its registry has it at the moment. */
export interface ResolvedImage {
  /** Of what the name led to: of the index, where there is one. */
  readonly digest: string;
  /** `host/path@sha256:…` */
  readonly reference: string;
  /** With the tag too, for people. */
  readonly resolved: string;
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  /** '' means root. */
  readonly user: string;
  readonly workingDir: string;
  /** `NAME=value` */
  readonly env: readonly string[];
  readonly platform: Platform;
}

export interface ImageResolverOptions {
  readonly client: RegistryClient;
  readonly platform: Platform;
  /** Milliseconds for which a tag is taken to mean the same digest. Default 60,000. */
  readonly tagTtlMs?: number;
  /** Default: the system's clock. */
  readonly now?: () => number;
}

interface TagEntry {
  readonly digest: string;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

const TAG_TTL_MS = 60_000;
const MAX_TAGS = 5000;
const MAX_IMAGES = 1000;
const MAX_CONFIG = 4 * 1024 * 1024;

/**
 * Tells what image a name stands for and how it is run. Tags are looked up again after a while, digests never. What one
 * set of credentials has seen is not told to others.
 */
export class ImageResolver {
  readonly #client: RegistryClient;
  readonly #platform: Platform;
  readonly #tagTtlMs: number;
  readonly #now: () => number;
  readonly #tags = new LRUCache<string, TagEntry>({ max: MAX_TAGS });
  readonly #images = new LRUCache<string, ResolvedImage>({ max: MAX_IMAGES });
  readonly #flights = new SingleFlight<string, ResolvedImage>();

  constructor({ client, platform, tagTtlMs = TAG_TTL_MS, now = Date.now }: ImageResolverOptions) {
    this.#client = client;
    this.#platform = platform;
    this.#tagTtlMs = tagTtlMs;
    this.#now = now;
  }

  /**
   * @param image as people write it; the digest wins over the tag
   * @throws TerminalError InvalidReference, UnsupportedMediaType, InvalidManifest, PlatformNotFound; what pulls throw
   */
  async resolve(image: string, call: RegistryCall): Promise<ResolvedImage> {
    const location = this.#client.rewritten(parseLocation(image));
    const scope = JSON.stringify([(call.credentials ?? ANONYMOUS).identity, call.ca ?? '', formatLocation(location)]);
    const known = this.#known(scope, location);
    if (known !== undefined) return known;
    return await this.#flights.run(scope, (signal) => this.#lookUp(location, scope, { ...call, signal }), call.signal);
  }

  /**
   * Tags of an image's repository, for ranges.
   * @throws as `RegistryClient.tags`
   */
  async listTags(image: string, call: RegistryCall): Promise<readonly string[]> {
    return await this.#client.tags(this.#client.rewritten(parseLocation(image)), call);
  }

  #known(scope: string, { digest }: ImageLocation): ResolvedImage | undefined {
    if (digest !== undefined) return this.#images.get(`${scope}\n${digest}`);
    const tag = this.#tags.get(scope);
    return tag !== undefined && tag.until > this.#now() ? this.#images.get(`${scope}\n${tag.digest}`) : undefined;
  }

  async #lookUp(location: ImageLocation, scope: string, call: RegistryCall): Promise<ResolvedImage> {
    const found = await this.#client.manifest(location, call);
    this.#tags.set(scope, { digest: found.digest, until: this.#now() + this.#tagTtlMs });
    const key = `${scope}\n${found.digest}`;
    const known = this.#images.get(key);
    if (known !== undefined) return known;
    const what = formatLocation({ ...location, digest: found.digest });
    const manifest = parseManifest(found.bytes, found.mediaType, what);
    const image = manifest.kind === 'image' ? manifest : await this.#pick(location, manifest, what, call);
    const config = parseJson(
      await this.#client.readBlob(location, image.config, MAX_CONFIG, call),
      `config of ${what}`,
    );
    const resolved = { ...readConfig(config, this.#platform), ...namesOf(location, found.digest) };
    this.#images.set(key, resolved);
    return resolved;
  }

  async #pick(
    location: ImageLocation,
    index: Parameters<typeof pickImage>[0],
    what: string,
    call: RegistryCall,
  ): Promise<ImageManifest> {
    const { digest } = pickImage(index, this.#platform, what);
    const found = await this.#client.manifest({ ...location, digest }, call);
    const manifest = parseManifest(found.bytes, found.mediaType, what);
    if (manifest.kind === 'image') return manifest;
    throw new TerminalError('InvalidManifest', `${what} is an index of indexes`);
  }
}

function namesOf({ host, repository, tag }: ImageLocation, digest: string) {
  const reference = formatLocation({ host, repository, digest });
  return { digest, reference, resolved: formatLocation({ host, repository, tag, digest }) };
}

function readConfig(json: Readonly<Record<string, unknown>>, wanted: Platform) {
  const config = isObject(json.config) ? json.config : {};
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  return {
    entrypoint: texts(config.Entrypoint),
    cmd: texts(config.Cmd),
    user: text(config.User),
    workingDir: text(config.WorkingDir),
    env: texts(config.Env),
    platform: {
      os: text(json.os) || wanted.os,
      architecture: text(json.architecture) || wanted.architecture,
    },
  };
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

import { TerminalError } from '../api/errors.ts';

/** Content by type, digest and size (OCI image specification). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface Platform {
  readonly os: string;
  readonly architecture: string;
}

export interface ImageManifest {
  readonly kind: 'image';
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly artifactType?: string;
}

export interface ImageIndex {
  readonly kind: 'index';
  readonly manifests: readonly (Descriptor & { readonly platform?: Platform })[];
}

const IMAGE_TYPES: readonly string[] = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];
const INDEX_TYPES: readonly string[] = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];

/** What registries are asked for. */
export const ACCEPTED_MANIFESTS = [...IMAGE_TYPES, ...INDEX_TYPES].join(', ');

const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;
/** Layers of an image, or images of an index. */
const MAX_ENTRIES = 1000;

type Json = Readonly<Record<string, unknown>>;

/**
 * @param mediaType as the registry said; what the manifest says of itself goes first
 * @param what names it in messages
 * @throws TerminalError UnsupportedMediaType naming the type, InvalidManifest
 */
export function parseManifest(bytes: Uint8Array, mediaType: string, what: string): ImageManifest | ImageIndex {
  const json = parseJson(bytes, what);
  const type = typeof json.mediaType === 'string' ? json.mediaType : mediaType.split(';')[0]?.trim();
  if (INDEX_TYPES.includes(type ?? '')) {
    return {
      kind: 'index',
      manifests: listOf(json.manifests, 'manifests', what).map((item) => indexEntry(item, what)),
    };
  }
  if (!IMAGE_TYPES.includes(type ?? '')) {
    throw new TerminalError(
      'UnsupportedMediaType',
      `${what} is of type ${JSON.stringify(type ?? '')}, which is no image`,
    );
  }
  return {
    kind: 'image',
    config: descriptor(json.config, what),
    layers: listOf(json.layers, 'layers', what).map((item) => descriptor(item, what)),
    ...(typeof json.artifactType === 'string' ? { artifactType: json.artifactType } : {}),
  };
}

/**
 * The image of an index for a platform; the only one there is, when none says what it is for.
 * @throws TerminalError PlatformNotFound with those that there are
 */
export function pickImage({ manifests }: ImageIndex, wanted: Platform, what: string): Descriptor {
  // Attestations stand in an index under a platform that nothing runs on.
  const images = manifests.filter(({ platform }) => platform?.os !== 'unknown');
  const fitting = images.find(
    ({ platform }) => platform?.os === wanted.os && platform.architecture === wanted.architecture,
  );
  const [only, ...more] = images;
  const found = fitting ?? (more.length === 0 && only?.platform === undefined ? only : undefined);
  if (found !== undefined) return found;
  const known = images.map(({ platform }) => (platform ? `${platform.os}/${platform.architecture}` : 'any')).join(', ');
  const message = `${what} has no image for ${wanted.os}/${wanted.architecture}, only for ${known || 'nothing'}`;
  throw new TerminalError('PlatformNotFound', message);
}

/** @throws TerminalError InvalidManifest */
export function parseJson(bytes: Uint8Array, what: string): Json {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    if (isObject(value)) return value;
  } catch {
    // Told below like any other value that is no object.
  }
  throw new TerminalError('InvalidManifest', `${what} is no JSON object`);
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function indexEntry(value: unknown, what: string): ImageIndex['manifests'][number] {
  const entry = descriptor(value, what);
  const platform = isObject(value) && isObject(value.platform) ? value.platform : undefined;
  if (platform === undefined) return entry;
  return { ...entry, platform: { os: String(platform.os ?? ''), architecture: String(platform.architecture ?? '') } };
}

function listOf(value: unknown, field: string, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new TerminalError('InvalidManifest', `${what}: ${field} is no list`);
  if (value.length <= MAX_ENTRIES) return value;
  throw new TerminalError('InvalidManifest', `${what} has ${value.length} ${field}, ${MAX_ENTRIES} are allowed`);
}

function descriptor(value: unknown, what: string): Descriptor {
  if (isObject(value)) {
    const { mediaType, digest, size, annotations } = value;
    const sound = typeof digest === 'string' && DIGEST.test(digest) && Number.isSafeInteger(size) && Number(size) >= 0;
    if (sound && typeof mediaType === 'string') {
      return { mediaType, digest, size: Number(size), annotations: textsOf(annotations) };
    }
  }
  throw new TerminalError('InvalidManifest', `${what} has a descriptor without media type, digest or size`);
}

function textsOf(value: unknown): Readonly<Record<string, string>> {
  if (!isObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

import { LRUCache } from 'lru-cache';
import { TerminalError } from '../api/errors.ts';
import { SingleFlight } from '../concurrency/single-flight.ts';
import { DEFAULT_PACKAGE_LIMITS, type PackageLimits } from '../package/limits.ts';
import { Package } from '../package/package.ts';
import { KPTFILE } from '../package/subpackages.ts';
import type { PackageFile } from '../package/types.ts';
import type { RegistryCall, RegistryClient } from './client.ts';
import { ANONYMOUS } from './credentials.ts';
import { inflate, layerForm } from './layers.ts';
import { type Descriptor, type ImageManifest, type Platform, parseManifest, pickImage } from './manifest.ts';
import { formatLocation, type ImageLocation, parseLocation } from './reference.ts';
import { type ArchiveContent, readArchive } from './unpack.ts';

/** A package as an image or artifact holds it. */
export interface ImagePackage {
  /** As it was given, without `oci://`; Docker Hub's names are written out. */
  readonly image: string;
  /** `host/path@sha256:…` */
  readonly reference: string;
  readonly content: Package;
}

export interface ArtifactLimits extends PackageLimits {
  /** Bytes of a layer as it is fetched. */
  readonly layerBytes: number;
  /** Entries of an archive, folders and whiteouts included. */
  readonly entries: number;
  readonly layers: number;
  /** Times that a layer may grow when it is unpacked, once it is larger than a few MiB. */
  readonly ratio: number;
}

const MiB = 1024 * 1024;

const LIMITS: ArtifactLimits = {
  ...DEFAULT_PACKAGE_LIMITS,
  layerBytes: 64 * MiB,
  entries: 50_000,
  layers: 100,
  ratio: 200,
};
/** A few repetitive manifests compress better than any limit on the ratio allows. */
const FREE_BYTES = 8 * MiB;
/** Padding and headers of an archive beside its content. */
const BYTES_AN_ENTRY = 1536;
/** Indexes of packages have no platform; those of images are for clusters' most usual one. */
const PLATFORM: Platform = { os: 'linux', architecture: 'amd64' };
/** Content that is kept, so that a fleet of clones fetches an image once. */
const CACHE_BYTES = 64 * MiB;

/**
 * Reads packages out of images and artifacts: kpt's and plain images, Flux's artifacts, files and folders of ORAS. Layers
 * lie one above the other; the last writer of a path wins.
 */
export class ArtifactReader {
  readonly #client: RegistryClient;
  readonly #limits: ArtifactLimits;
  readonly #cache = new LRUCache<string, Package>({
    maxSize: CACHE_BYTES,
    sizeCalculation: (pkg) => pkg.totalBytes + 1024 * (pkg.size + 1),
  });
  readonly #flights = new SingleFlight<string, Package>();

  constructor(client: RegistryClient, limits: Partial<ArtifactLimits> = {}) {
    this.#client = client;
    this.#limits = { ...LIMITS, ...limits };
  }

  /**
   * The registry is asked each time, with the caller's credentials; only what it names by digest is kept.
   * @param image by tag, digest or both; the digest wins (O-02)
   * @throws what pulls throw; TerminalError InvalidReference, UnsupportedMediaType, InvalidManifest, and those of unpacking:
   * TooLarge, InvalidArchive, InvalidPath, LinkEscapes, DuplicatePath, UnsupportedEntry, PackageNotFound without a Kptfile
   */
  async read(image: string, call: RegistryCall): Promise<ImagePackage> {
    const location = this.#client.rewritten(parseLocation(image));
    const found = await this.#client.manifest(location, call);
    const { host, repository } = location;
    const reference = formatLocation({ host, repository, digest: found.digest });
    const what = formatLocation({ ...location, digest: found.digest });
    const key = JSON.stringify([(call.credentials ?? ANONYMOUS).identity, reference]);
    const content =
      this.#cache.get(key) ??
      (await this.#flights.run(
        key,
        async (signal) => {
          const inner = { ...call, signal };
          const pkg = await this.#unpack(location, await this.#imageOf(location, found, what, inner), what, inner);
          this.#cache.set(key, pkg);
          return pkg;
        },
        call.signal,
      ));
    return { image: formatLocation(location), reference, content };
  }

  async #imageOf(
    location: ImageLocation,
    found: { readonly bytes: Uint8Array; readonly mediaType: string },
    what: string,
    call: RegistryCall,
  ): Promise<ImageManifest> {
    const manifest = parseManifest(found.bytes, found.mediaType, what);
    if (manifest.kind === 'image') return manifest;
    const { digest } = pickImage(manifest, PLATFORM, what);
    const picked = await this.#client.manifest({ ...location, digest }, call);
    const image = parseManifest(picked.bytes, picked.mediaType, what);
    if (image.kind === 'image') return image;
    throw new TerminalError('InvalidManifest', `${what} is an index of indexes`);
  }

  async #unpack(
    location: ImageLocation,
    { layers }: ImageManifest,
    what: string,
    call: RegistryCall,
  ): Promise<Package> {
    if (layers.length > this.#limits.layers) {
      throw new TerminalError('TooLarge', `${what} has ${layers.length} layers, ${this.#limits.layers} are allowed`);
    }
    let files: ReadonlyMap<string, PackageFile> = new Map();
    for (const layer of layers) files = stack(files, await this.#layer(location, layer, call), what);
    return rooted(Package.of(files, this.#limits), this.#limits, what);
  }

  async #layer(location: ImageLocation, layer: Descriptor, call: RegistryCall): Promise<ArchiveContent> {
    const form = layerForm(layer);
    const limits = this.#limits;
    const { fileBytes, layerBytes, entries, packageBytes, ratio } = limits;
    if (form.kind === 'file') {
      const bytes = await this.#client.readBlob(location, layer, Math.min(fileBytes, layerBytes), call);
      const files = new Map([[form.path, { mode: '100644' as const, bytes }]]);
      return { files, removed: [], emptied: [], links: new Map() };
    }
    const bytes = await this.#client.readBlob(location, layer, layerBytes, call);
    const what = `layer ${layer.digest}`;
    const inflation = { archiveBytes: packageBytes + entries * BYTES_AN_ENTRY, ratio, freeBytes: FREE_BYTES };
    return await readArchive(inflate(bytes, form.compression, inflation, what), limits, what);
  }
}

/** A layer on top of others. */
function stack(below: ReadonlyMap<string, PackageFile>, layer: ArchiveContent, what: string): Map<string, PackageFile> {
  const hidden = (path: string) =>
    isBelowAny(path, layer.emptied) || layer.removed.some((gone) => path === gone || path.startsWith(`${gone}/`));
  const files = new Map([...below].filter(([path]) => !hidden(path)));
  const added = new Map(layer.files);
  for (const [path, target] of layer.links) {
    const file = added.get(target) ?? below.get(target);
    if (file === undefined) {
      const message = `${what}: ${JSON.stringify(path)} is a hard link to ${JSON.stringify(target)}, which is not there`;
      throw new TerminalError('InvalidArchive', message, { file: path });
    }
    added.set(path, file);
  }
  clearWay(files, added);
  for (const [path, file] of added) files.set(path, file);
  return files;
}

function isBelowAny(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => folder === '' || path.startsWith(`${folder}/`));
}

/** A new file takes the place of a folder of that name, and a folder that of a file. */
function clearWay(files: Map<string, PackageFile>, added: ReadonlyMap<string, PackageFile>): void {
  const folders = new Set([...added.keys()].flatMap(foldersOf));
  for (const path of [...files.keys()]) {
    if (folders.has(path) || foldersOf(path).some((folder) => added.has(folder))) files.delete(path);
  }
}

function foldersOf(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** ORAS keeps the name of a folder that it pushes: then the package begins below it. */
function rooted(pkg: Package, limits: PackageLimits, what: string): Package {
  if (pkg.has(KPTFILE)) return pkg;
  const folders = new Set(pkg.paths().map((path) => path.slice(0, Math.max(path.indexOf('/'), 0))));
  const [folder = ''] = folders;
  if (folders.size === 1 && folder !== '' && pkg.has(`${folder}/${KPTFILE}`)) {
    // Made anew, because a link that stayed within all of the image may lead out of its folder.
    return Package.of(pkg.subtree(folder).entries(), limits);
  }
  throw new TerminalError('PackageNotFound', `there is no package in ${what}: no Kptfile at its root`);
}

import { pipeline, Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { TerminalError } from '../api/errors.ts';
import type { Descriptor } from './manifest.ts';

export type Compression = 'none' | 'gzip' | 'zstd';

/** What a layer holds, by its media type and annotations. */
export type LayerForm =
  | { readonly kind: 'archive'; readonly compression: Compression }
  /** One file of a package, as ORAS pushes them. */
  | { readonly kind: 'file'; readonly path: string };

const TITLE = 'org.opencontainers.image.title';
/** ORAS marks folders with it, which it pushes as archives under a title. */
const UNPACK = 'io.deis.oras.content.unpack';

const ARCHIVES: readonly (readonly [RegExp, Compression])[] = [
  [/^application\/vnd\.docker\.image\.rootfs\.diff\.tar\.gzip$/, 'gzip'],
  [/[.+/-]tar(?:[+.]gzip|\.gz|\+gz)$/, 'gzip'],
  [/^application\/(?:gzip|x-gzip|tgz|x-tgz|x-gtar|x-compressed-tar)$/, 'gzip'],
  [/[.+/-]tar(?:[+.]zstd|\.zst)$/, 'zstd'],
  [/^application\/zstd$/, 'zstd'],
  [/[.+/-]tar$/, 'none'],
];

const ARCHIVE_NAMES: readonly (readonly [RegExp, Compression])[] = [
  [/\.(?:tar\.gz|tgz)$/, 'gzip'],
  [/\.(?:tar\.zst|tar\.zstd)$/, 'zstd'],
  [/\.tar$/, 'none'],
];

/** Layers that lie elsewhere by their own word are not fetched from there. */
const FOREIGN = /nondistributable|rootfs\.foreign/;

/**
 * Decides by media type alone how a layer is unpacked (O-04): tar, with gzip or zstd, in images and in Flux's and others'
 * artifacts. A layer with a title is one file, unless its title names an archive or ORAS has marked it as a folder.
 * @throws TerminalError UnsupportedMediaType naming the type
 */
export function layerForm({ mediaType, annotations, digest }: Descriptor): LayerForm {
  const type = mediaType.toLowerCase().split(';')[0]?.trim() ?? '';
  const title = annotations[TITLE];
  const compression = ARCHIVES.find(([pattern]) => pattern.test(type))?.[1];
  if (title !== undefined && annotations[UNPACK] !== 'true') {
    const named = ARCHIVE_NAMES.find(([pattern]) => pattern.test(title))?.[1];
    return named === undefined ? { kind: 'file', path: title } : { kind: 'archive', compression: compression ?? named };
  }
  if (compression !== undefined && !FOREIGN.test(type)) return { kind: 'archive', compression };
  throw new TerminalError(
    'UnsupportedMediaType',
    `layer ${digest} is of type ${JSON.stringify(mediaType)}; known are tar archives, plain or with gzip or zstd, and files with a title`,
  );
}

/** How much may come out of a compressed layer. */
export interface InflationLimits {
  /** Bytes of the whole archive. */
  readonly archiveBytes: number;
  /** Times that the archive may be larger than what was fetched, once it is larger than `freeBytes`. */
  readonly ratio: number;
  readonly freeBytes: number;
}

/**
 * The archive in a layer.
 * @throws TerminalError TooLarge as soon as too much comes out; InvalidArchive when it is damaged
 */
export async function* inflate(
  bytes: Uint8Array,
  compression: Compression,
  limits: InflationLimits,
  what: string,
): AsyncGenerator<Uint8Array> {
  let size = 0;
  const source = compression === 'none' ? pieces(bytes) : decompressed(bytes, compression);
  try {
    for await (const chunk of source) {
      size += chunk.byteLength;
      if (size > limits.archiveBytes) {
        throw new TerminalError('TooLarge', `${what} unpacks to more than ${limits.archiveBytes} bytes`);
      }
      if (compression !== 'none' && size > limits.freeBytes && size > limits.ratio * bytes.byteLength) {
        const message = `${what} unpacks to more than ${limits.ratio} times its ${bytes.byteLength} bytes`;
        throw new TerminalError('TooLarge', message);
      }
      yield chunk;
    }
  } catch (error) {
    if (error instanceof TerminalError) throw error;
    throw new TerminalError('InvalidArchive', `${what} is damaged: it is no ${compression} data`, { cause: error });
  }
}

const PIECE = 64 * 1024;

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += PIECE) yield bytes.subarray(at, at + PIECE);
}

function decompressed(bytes: Uint8Array, compression: 'gzip' | 'zstd'): AsyncIterable<Uint8Array> {
  const inflater = compression === 'gzip' ? createGunzip() : createZstdDecompress();
  // A failure comes out of the inflater when it is read; there is nothing to do about it here.
  return pipeline(Readable.from(pieces(bytes)), inflater, () => undefined);
}

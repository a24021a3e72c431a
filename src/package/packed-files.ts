import type { FileMode, PackageFile } from './types.ts';

/**
 * Files as a few flat values, made to be posted to a worker thread: one buffer that can be transferred instead of
 * thousands that would be cloned one by one. File i is `sizes[i]` bytes of `content`, after those before it.
 */
export interface PackedFiles {
  readonly paths: readonly string[];
  readonly modes: readonly FileMode[];
  readonly sizes: readonly number[];
  readonly content: ArrayBuffer;
}

/** Copies the bytes: the result shares no memory with the files. */
export function packFiles(files: Iterable<readonly [string, PackageFile]>): PackedFiles {
  const list = [...files];
  const sizes = list.map(([, file]) => file.bytes.byteLength);
  const content = new ArrayBuffer(sizes.reduce((sum, size) => sum + size, 0));
  const bytes = new Uint8Array(content);
  let offset = 0;
  for (const [, file] of list) {
    bytes.set(file.bytes, offset);
    offset += file.bytes.byteLength;
  }
  return { paths: list.map(([path]) => path), modes: list.map(([, file]) => file.mode), sizes, content };
}

/** The files as views on the one buffer, which lives as long as any of them. */
export function unpackFiles(packed: PackedFiles): [string, PackageFile][] {
  let offset = 0;
  return packed.paths.map((path, index) => {
    const size = packed.sizes[index] ?? 0;
    const file: PackageFile = {
      mode: packed.modes[index] ?? '100644',
      bytes: new Uint8Array(packed.content, offset, size),
    };
    offset += size;
    return [path, file];
  });
}

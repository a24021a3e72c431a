import { parseKrmFile } from '../../../src/krm/file.ts';
import type { KrmMap } from '../../../src/krm/value.ts';
import type { Package } from '../../../src/package/package.ts';

export type KrmWork = 'read' | 'edit';

/** Parses every file of a package; the result is the number of resources read. */
export function readResources(pkg: Package, times: number): number {
  let resources = 0;
  for (let count = 0; count < times; count++) {
    for (const [path, { bytes }] of pkg.entries()) {
      for (const { value } of parseKrmFile(path, bytes).documents) if (value !== null) resources += 1;
    }
  }
  return resources;
}

/** Parses every file and writes it back with one label more in its first document; the result is the bytes written. */
export function editResources(pkg: Package, times: number): number {
  let written = 0;
  for (let count = 0; count < times; count++) {
    for (const [path, { bytes }] of pkg.entries()) {
      const file = parseKrmFile(path, bytes);
      const value = file.documents[0]?.value as KrmMap;
      const metadata = value.metadata as KrmMap;
      const next = {
        ...value,
        metadata: { ...metadata, labels: { ...(metadata.labels as KrmMap | undefined), round: `r${count}` } },
      };
      written += file.edit(new Map([[0, next]])).bytes.byteLength;
    }
  }
  return written;
}

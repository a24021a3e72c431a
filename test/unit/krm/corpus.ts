import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

export interface CorpusFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const ROOT = resolve(import.meta.dirname, '../../..');
const SHARED = resolve(ROOT, process.env.VERANDA_SHARED ?? '../shared');

/** The files of test/fixtures/yaml and, where they are at hand, real packages. */
export function corpus(): CorpusFile[] {
  const own = filesBelow(join(ROOT, 'test/fixtures/yaml'));
  const samples = join(SHARED, 'samples');
  if (existsSync(samples)) return [...own, ...filesBelow(samples)];
  console.warn(`PASSED OVER: no sample packages at ${samples}; set VERANDA_SHARED`);
  return own;
}

function filesBelow(folder: string): CorpusFile[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ya?ml|json)$|^Kptfile$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({ name: relative(folder, path), bytes: readFileSync(path) }));
}

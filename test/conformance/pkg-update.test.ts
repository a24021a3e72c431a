import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { TerminalError } from '../../src/api/errors.ts';
import { parseKrmFile } from '../../src/krm/file.ts';
import { isMap } from '../../src/krm/value.ts';
import { mergePackages } from '../../src/merge/merge-packages.ts';
import type { MergeStrategy } from '../../src/merge/types.ts';
import { Package } from '../../src/package/package.ts';
import { readPackageDirectory } from '../../src/package/read-dir.ts';
import { recorded, squeezed } from './recorded.ts';

interface Case {
  readonly strategy: MergeStrategy;
  readonly isRoot: boolean;
  readonly error?: string;
}

/** The recorded result is one that we do not copy. */
const DEVIATIONS: { readonly [name: string]: string } = {
  'resource-merge-7aa59c3b3b': 'licence headers stay',
  'resource-merge-9c7248c6b9': 'licence headers stay',
  'resource-merge-ab2bd447e1': 'licence headers stay',
};

const signal = new AbortController().signal;

async function read(directory: string): Promise<Package> {
  return existsSync(directory) ? readPackageDirectory(directory, { signal }) : Package.empty;
}

/** Kptfiles as data without `status`, other files as text without blank lines. */
function content(pkg: Package): { readonly [file: string]: unknown } {
  return Object.fromEntries(
    [...pkg.entries()].map(([file, { bytes }]) => {
      const value = path.basename(file) === 'Kptfile' ? parseKrmFile(file, bytes).documents[0]?.value : undefined;
      if (!isMap(value)) return [file, squeezed(new TextDecoder().decode(bytes))];
      const { status: _status, ...rest } = value;
      return [file, rest];
    }),
  );
}

const folder = recorded('pkg-update');
if (folder !== undefined) {
  const names = readdirSync(folder);
  const merge = async (name: string) => {
    const at = (side: string) => path.join(folder, name, side);
    const [base, updated, local] = [await read(at('origin')), await read(at('updated')), await read(at('local'))];
    const recordedCase = JSON.parse(readFileSync(at('case.json'), 'utf8')) as Case;
    const options = { strategy: recordedCase.strategy, nested: !recordedCase.isRoot };
    return { recordedCase, run: () => mergePackages({ base, updated, local }, options), expected: at('expected') };
  };

  describe('recorded updates', () => {
    test.each(names.filter((name) => DEVIATIONS[name] === undefined))('%s', async (name) => {
      const { recordedCase, run, expected } = await merge(name);
      if (recordedCase.error === undefined) expect(content(run().pkg)).toEqual(content(await read(expected)));
      else expect(run).toThrow(TerminalError);
    });

    test.each(names.flatMap((name) => (DEVIATIONS[name] === undefined ? [] : [[name, DEVIATIONS[name]]])))(
      '%s differs only in comments: %s',
      async (name) => {
        const { run, expected } = await merge(name);
        const plain = (pkg: Package) =>
          Object.entries(content(pkg)).map(([file, text]) => [file, String(text).replaceAll(/^#.*\n/gm, '')]);
        expect(plain(run().pkg)).toEqual(plain(await read(expected)));
      },
    );
  });
}

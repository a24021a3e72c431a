import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createBuiltinRuntime } from '../../src/functions/builtin-runtime.ts';
import { DEFAULT_IMAGE_PREFIX } from '../../src/functions/image.ts';
import { parseKrmFile } from '../../src/krm/file.ts';
import { isMap, type KrmValue } from '../../src/krm/value.ts';
import type { Package } from '../../src/package/package.ts';
import { readPackageDirectory } from '../../src/package/read-dir.ts';
import { createRenderer } from '../../src/render/renderer.ts';
import { chainRuntimes } from '../../src/runtimes/multi.ts';
import { createProcessRuntime } from '../../src/runtimes/process.ts';

// Recorded renders of the reference, compared on content: Kptfiles as data without `status`, other files as text
// without blank lines; no comment of a Kptfile is lost, and a second render changes no byte.
const shared = process.env.VERANDA_SHARED ?? path.join(import.meta.dirname, '../../../shared');
const folder = path.join(shared, 'conformance/fn-render');
const signal = new AbortController().signal;

const builtin = createBuiltinRuntime();
const hasStarlark = builtin.runner({ image: `${DEFAULT_IMAGE_PREFIX}/starlark:latest` }) !== undefined;

/** What cannot be run here, by the text of the Kptfiles. */
const NEEDS: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/gatekeeper/, 'needs gatekeeper, which is left to other runtimes'],
  [/\/wasm\//, 'needs a wasm runtime'],
  ...(hasStarlark ? [] : [[/image:.*starlark/, 'needs the Starlark engine, which is built where Go is'] as const]),
];
/** The recorded behaviour is one that we do not copy. */
const DEVIATIONS: { readonly [name: string]: string } = {
  'non-krm-resource': 'what is no KRM resource passes through',
  'non-krm-resource-no-pipeline': 'what is no KRM resource passes through',
  'krm-check-exclude-kustomize': 'a kustomization without apiVersion and kind passes through',
};
/** A matter of the command, not of the renderer. */
const COMMAND: { readonly [name: string]: string } = {
  'missing-kptfile': 'the command refuses a folder that is no package; the renderer has nothing to do',
};

interface Expectation {
  readonly exitCode?: number;
  readonly allowExec?: boolean;
  readonly skip?: boolean;
}

function reasonToSkip(name: string): string | undefined {
  const files = readdirSync(path.join(folder, name));
  if (files.some((file) => /^expected-(exec|setup|teardown)\.sh$/.test(file)))
    return 'drives a command through a script';
  if (expectation(name).skip === true) return 'marked so';
  const kptfiles = readdirSync(path.join(folder, name, 'in'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    /(^|\/)Kptfile$/.test(file),
  );
  const text = kptfiles.map((file) => readFileSync(path.join(folder, name, 'in', file), 'utf8')).join('\n');
  return DEVIATIONS[name] ?? COMMAND[name] ?? NEEDS.find(([pattern]) => pattern.test(text))?.[1];
}

function expectation(name: string): Expectation {
  return JSON.parse(readFileSync(path.join(folder, name, 'expect.json'), 'utf8')) as Expectation;
}

function content(pkg: Package): { readonly [file: string]: KrmValue } {
  return Object.fromEntries([...pkg.entries()].map(([file, { bytes }]) => [file, fileContent(file, bytes)]));
}

function fileContent(file: string, bytes: Uint8Array): KrmValue {
  const text = new TextDecoder().decode(bytes);
  const squeezed = text
    .replaceAll('\r\n', '\n')
    .replaceAll(/\n\s*\n/g, '\n')
    .trim();
  if (path.basename(file) !== 'Kptfile') return squeezed;
  const { documents, problems } = parseKrmFile(file, bytes);
  const value = documents[0]?.value;
  if (problems.length > 0 || !isMap(value)) return squeezed.replace(/^status:\n(?:[ -].*\n?)*/m, '').trim();
  const { status: _status, ...rest } = value;
  return rest as KrmValue;
}

function comments(pkg: Package): string[] {
  return [...pkg.entries()]
    .filter(([file]) => path.basename(file) === 'Kptfile')
    .flatMap(([, { bytes }]) => new TextDecoder().decode(bytes).split('\n'))
    .map((line) => /(^|\s)#.*$/.exec(line)?.[0].trim())
    .filter((comment) => comment !== undefined);
}

if (!existsSync(folder)) {
  console.error(`PASSED OVER: no recorded renders at ${folder}; set VERANDA_SHARED`);
  test('recorded renders are passed over', () => expect(existsSync(folder)).toBe(false));
} else {
  const cases = readdirSync(folder).map((name) => [name, reasonToSkip(name)] as const);
  const runnable = cases.filter(([, reason]) => reason === undefined).map(([name]) => name);

  describe('recorded renders', () => {
    test('most of the cases are run', () => {
      expect(runnable.length).toBeGreaterThan(hasStarlark ? 45 : 20);
    });

    test.each(runnable)('%s', async (name) => {
      const directory = path.join(folder, name, 'in');
      const allowed = expectation(name).allowExec === true;
      const programs = createProcessRuntime({ allowed, directory, env: { PATH: process.env.PATH } });
      const renderer = createRenderer({ runtime: chainRuntimes([builtin, programs]) });
      const source = await readPackageDirectory(directory, { signal });
      const expected = await readPackageDirectory(path.join(folder, name, 'out'), { signal });
      const { package: rendered, report } = await renderer.render(source, { signal });
      expect(report.failure === undefined ? 0 : 1).toBe(expectation(name).exitCode ?? 0);
      expect(content(rendered)).toEqual(content(expected));
      expect(comments(rendered)).toEqual(expect.arrayContaining(comments(source)));
      // What a failing render keeps on request makes its functions say something else the next time.
      if (report.failure !== undefined) return;
      const again = await renderer.render(rendered, { signal });
      // The program of that case edits the pipeline that runs it, which the status then quotes.
      if (name === 'exec-function-with-args') expect(content(again.package)).toEqual(content(rendered));
      else expect(again.package.hash()).toBe(rendered.hash());
    });

    test.skip.each(cases.filter(([, reason]) => reason !== undefined))('%s is not run: %s', () => undefined);
  });
}

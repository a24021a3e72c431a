import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { runCli } from '../../../src/cli/program.ts';
import { Recorder } from '../cli/streams.ts';

const ROOT = join(import.meta.dirname, '../../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

function filesBelow(folder: string): string[] {
  const entries = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

const PAGES = filesBelow('docs').filter((path) => path.endsWith('.md'));
const ALL = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...PAGES];

/** Paths of all fields of our kinds, without the brackets of lists. */
const FIELDS = new Set(
  filesBelow('crds')
    .filter((path) => path.endsWith('.yaml'))
    .flatMap((path) => fieldsOf(parse(read(path)))),
);

interface Schema {
  readonly properties?: { readonly [name: string]: Schema };
  readonly items?: Schema;
}

function fieldsOf(definition: { readonly spec: { readonly versions: readonly Version[] } }): readonly string[] {
  return definition.spec.versions.flatMap(({ schema }) => below(schema.openAPIV3Schema, ''));
}

interface Version {
  readonly schema: { readonly openAPIV3Schema: Schema };
}

function below({ properties = {}, items }: Schema, path: string): readonly string[] {
  const own = Object.entries(properties).flatMap(([name, schema]) => {
    const field = path === '' ? name : `${path}.${name}`;
    return [field, ...below(schema, field)];
  });
  return [...own, ...(items ? below(items, path) : [])];
}

/** Targets of a page's links within the repository, from its root. */
function linksOf(page: string): readonly { readonly path: string; readonly anchor?: string }[] {
  return [...read(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', anchor] = target.split('#');
      return { path: path === '' ? page : relative(ROOT, resolve(ROOT, dirname(page), path)), anchor };
    });
}

/** As GitHub makes them of headings. */
function anchorsOf(page: string): readonly string[] {
  return [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

describe('the pages', () => {
  test('can all be reached from the README', () => {
    const seen = new Set(['README.md']);
    for (const page of seen) {
      for (const { path } of linksOf(page)) if (path.endsWith('.md') && ALL.includes(path)) seen.add(path);
    }
    expect(ALL.filter((page) => !seen.has(page))).toEqual([]);
  });

  test.each(ALL)('%s links to what is there', (page) => {
    const broken = linksOf(page).filter(({ path, anchor }) => {
      if (!statSync(join(ROOT, path), { throwIfNoEntry: false })) return true;
      return anchor !== undefined && !anchorsOf(path).includes(anchor);
    });
    expect(broken).toEqual([]);
  });
});

describe('what the pages name is there', () => {
  const ours = ['src', 'crds', 'config'].flatMap(filesBelow).filter((path) => !path.endsWith('.gz'));
  const text = [...ours.map(read), read('Makefile')].join('\n');
  // The reference is generated, and the list of deviations is of another program's words.
  const written = ALL.filter((page) => !page.startsWith('docs/reference/') && page !== 'docs/conformance.md');
  /** The README says of it that it is not there yet. */
  const absent = ['PackageRevisionResources'];
  const named = (page: string, pattern: RegExp) => [
    ...new Set([...read(page).matchAll(pattern)].map(([, name = '']) => name)),
  ];

  test.each(written)('%s: reasons, conditions and kinds', (page) => {
    expect(
      named(page, /`([A-Z][a-z]+(?:[A-Z][A-Za-z]+)+)`/g).filter(
        (name) => !text.includes(name) && !absent.includes(name),
      ),
    ).toEqual([]);
  });

  test.each(written)('%s: fields of our kinds', (page) => {
    const names = named(page, /`(?!status\.yaml)((?:spec|status)(?:\.[A-Za-z]+(?:\[\])?)+)[^`A-Za-z.]*`/g).map((name) =>
      name.replaceAll('[]', ''),
    );
    expect(names.filter((name) => !FIELDS.has(name))).toEqual([]);
  });

  test.each(written)('%s: labels, annotations and groups', (page) => {
    const names = named(page, /((?:[a-z]+\.)*(?:veranda\.dev|kpt\.dev|nephio\.org)\/[a-z][a-z0-9-]+)/g);
    expect(names.filter((name) => !text.includes(name))).toEqual([]);
  });

  test.each(written)('%s: files of the repository', (page) => {
    const names = named(page, /`((?:src|config|crds|docs|test|scripts)\/[A-Za-z0-9_./-]+)`/g);
    const roots = ['', 'src/'];
    const isThere = (name: string) => roots.some((root) => statSync(join(ROOT, root, name), { throwIfNoEntry: false }));
    expect(names.filter((name) => !isThere(name))).toEqual([]);
  });

  test.each(written)('%s: targets of make', (page) => {
    const names = named(page, /`make ([a-z][a-z-]*)/g);
    expect(names.filter((name) => !new RegExp(`^${name}:`, 'm').test(read('Makefile')))).toEqual([]);
  });
});

describe('docs/cli.md', () => {
  const sections = read('docs/cli.md').split(/^## /m).slice(1);
  const sectionOf = (command: string) => sections.find((section) => section.startsWith(`\`veranda ${command}`)) ?? '';
  const flagsIn = (lines: string) => new Set([...lines.matchAll(/(?<![\w-])(--[a-z][a-z-]*)/g)].map(([flag]) => flag));

  async function helpOf(...argv: readonly string[]): Promise<string> {
    const stdout = new Recorder();
    const signal = new AbortController().signal;
    const command = ['node', 'veranda', ...argv, '--help'];
    await runCli({ argv: command, env: {}, stdout, stderr: new Recorder(), cwd: ROOT, signal });
    return stdout.text;
  }

  test('has a section for each command', async () => {
    const [, list = ''] = (await helpOf()).split('Commands:\n');
    const commands = [...list.matchAll(/^ {2}([a-z]+)/gm)].map(([, name = '']) => name);
    expect(commands.length).toBeGreaterThan(5);
    expect(commands.filter((command) => sectionOf(command) === '')).toEqual([]);
  });

  test.each(['run', 'plan', 'render', 'merge', 'diff', 'version'])(
    'has the options of %s, and no others',
    async (command) => {
      const [, options = ''] = (await helpOf(command)).split('Options:\n');
      const lines = (options.split('\n\n')[0] ?? '').split('\n').filter((line) => /^ {2}-/.test(line));
      const offered = flagsIn(lines.join('\n'));
      offered.delete('--help');
      const rows = sectionOf(command)
        .split('\n')
        .filter((line) => line.startsWith('| `-'))
        .map((line) => line.split('|')[1] ?? '');
      expect([...flagsIn(rows.join('\n'))].sort()).toEqual([...offered].sort());
    },
  );
});

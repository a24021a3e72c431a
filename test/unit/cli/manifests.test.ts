import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parseFieldText } from '../../../src/cli/field-text.ts';
import { fingerprintFiles } from '../../../src/cli/manifest-files.ts';
import { loadManifests } from '../../../src/cli/manifests.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'veranda-manifests-'));
});

afterEach(() => rm(folder, { recursive: true }));

async function write(name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, text);
  return file;
}

const configMap = (name: string, more = ''): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n${more}`;

const names = async (...paths: string[]): Promise<string[]> =>
  (await loadManifests(paths)).objects.map(({ object }) => object.metadata.name);

describe('manifests', () => {
  test('are the yaml, yml and json files of a folder, in order, without its subfolders', async () => {
    await mkdir(join(folder, 'below.yaml'));
    await write('b.yml', configMap('b'));
    await write('a.yaml', configMap('a'));
    await write('c.json', JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } }));
    await write('README.md', 'not this');
    expect(await names(folder)).toEqual(['a', 'b', 'c']);
  });

  test('are read once, however often their file is named', async () => {
    const file = await write('a.yaml', configMap('a'));
    const { objects, errors } = await loadManifests([file, folder]);
    expect([objects.length, errors.length]).toEqual([1, 0]);
  });

  test('a list stands for its items, and a fault in one has its line', async () => {
    await write(
      'list.yaml',
      'apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: a}\n- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: A_B\n',
    );
    const { objects, errors } = await loadManifests([folder]);
    expect(objects.map(({ object }) => object.metadata.name)).toEqual(['a']);
    expect(errors.map(({ location }) => [location.line, location.field])).toEqual([[10, 'metadata.name']]);
  });

  test('objects marked local-config are passed over', async () => {
    await write('a.yaml', configMap('a', '  annotations: {config.kubernetes.io/local-config: "true"}\n'));
    expect(await names(folder)).toEqual([]);
  });

  test('objects without a namespace are in default', async () => {
    await write('a.yaml', `${configMap('a')}---\n${configMap('a', '  namespace: other\n')}`);
    const { objects } = await loadManifests([folder]);
    expect(objects.map(({ object }) => object.metadata.namespace)).toEqual(['default', 'other']);
  });

  test('of two manifests of one object the first counts, and the second is told', async () => {
    await write('a.yaml', configMap('same', 'data: {from: a}\n'));
    await write('b.yaml', configMap('same', 'data: {from: b}\n'));
    const { objects, errors } = await loadManifests([folder]);
    expect(objects.map(({ object }) => Reflect.get(object, 'data'))).toEqual([{ from: 'a' }]);
    expect(errors).toEqual([
      expect.objectContaining({ reason: 'DuplicateObject', message: `is also in ${folder}/a.yaml:1, which counts` }),
    ]);
  });

  test('the path of a local repository is relative to its manifest', async () => {
    const repository = (repo: string) =>
      `apiVersion: config.porch.kpt.dev/v1alpha1\nkind: Repository\nmetadata: {name: r}\nspec: {git: {repo: ${repo}}}\n`;
    await write('r.yaml', repository('../remotes/r.git'));
    const { objects } = await loadManifests([folder]);
    expect(objects[0]?.object).toMatchObject({ spec: { git: { repo: join(folder, '../remotes/r.git') } } });
  });

  test.each([
    ['a scalar', 'text\n'],
    ['a list', '- a\n'],
    ['null', 'null\n'],
    ['no kind', 'apiVersion: v1\nmetadata: {name: a}\n'],
    ['no name', 'apiVersion: v1\nkind: ConfigMap\n'],
    ['numbers for names', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 12}\n'],
    ['a list for metadata', 'apiVersion: v1\nkind: ConfigMap\nmetadata: []\n'],
    ['a number for a kind', 'apiVersion: v1\nkind: 1\nmetadata: {name: a}\n'],
  ])('%s is no object, and hides no other one', async (_what, text) => {
    await write('a.yaml', `${text}---\n${configMap('good')}`);
    const { objects, errors } = await loadManifests([folder]);
    expect(objects.map(({ object }) => object.metadata.name)).toEqual(['good']);
    expect(errors).not.toEqual([]);
    for (const { location } of errors)
      expect(location).toMatchObject({ file: join(folder, 'a.yaml'), line: expect.any(Number) });
  });
});

test('a fingerprint of files changes with each addition, change and removal', async () => {
  const seen = [await fingerprintFiles([folder])];
  const file = await write('a.yaml', 'a');
  seen.push(await fingerprintFiles([folder]));
  expect(await fingerprintFiles([folder])).toBe(seen[1]);
  await write('a.yaml', 'ab');
  seen.push(await fingerprintFiles([folder]));
  await rm(file);
  expect(await fingerprintFiles([folder])).toBe(seen[0]);
  expect(new Set(seen).size).toBe(3);
});

test.each([
  ['', []],
  ['spec.upstream.repo', ['spec', 'upstream', 'repo']],
  ['spec.targets[12].template', ['spec', 'targets', 12, 'template']],
  ['metadata.labels["a.b/c\\"d"].x-y', ['metadata', 'labels', 'a.b/c"d', 'x-y']],
  ['spec.!', ['spec']],
])('the way that %j names', (text, path) => {
  expect(parseFieldText(text)).toEqual(path);
});

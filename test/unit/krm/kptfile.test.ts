import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { TerminalError } from '../../../src/api/errors.ts';
import { editKptfile, type Kptfile, readKptfile } from '../../../src/krm/kptfile.ts';
import {
  mergeKptfileMetadata,
  removeKptfileCondition,
  setKptfileCondition,
  setReadinessGates,
} from '../../../src/krm/kptfile-changes.ts';
import type { KrmMap } from '../../../src/krm/value.ts';

const HEAD = 'apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: sample\n';
const SAMPLE = readFileSync(join(import.meta.dirname, '../../fixtures/yaml/Kptfile'), 'utf8');

function read(text: string): Kptfile {
  return readKptfile('sub/Kptfile', Buffer.from(text)).kptfile;
}

function readError(text: string): TerminalError {
  try {
    read(text);
  } catch (error) {
    if (error instanceof TerminalError) return error;
    throw error;
  }
  throw new Error('the Kptfile was accepted');
}

function edit(text: string, change: (kptfile: KrmMap) => KrmMap): string {
  return Buffer.from(editKptfile('Kptfile', Buffer.from(text), change)).toString();
}

describe('a Kptfile is read', () => {
  test('with all that we use, from the first document', () => {
    const kptfile = read(SAMPLE);
    expect(kptfile.name).toBe('sample');
    expect(kptfile.annotations).toEqual({ 'config.kubernetes.io/local-config': 'true' });
    expect(kptfile.readinessGates).toEqual(['Ready']);
    expect(kptfile.conditions).toEqual([{ type: 'Ready', status: 'False', message: 'not yet' }]);
    expect(kptfile.mutators).toEqual([
      { image: 'set-labels:v0.2', configMap: { app: 'sample' } },
      { image: 'set-namespace:v0.4', configPath: 'ns.yaml' },
    ]);
    expect(kptfile.validators).toEqual([]);
  });

  test('with upstream and lock', () => {
    const git = '  git: {repo: https://git.example.test/r, directory: /a, ref: v1}\n';
    const kptfile = read(
      `${HEAD}upstream:\n  type: git\n${git}  updateStrategy: resource-merge\nupstreamLock:\n${git}`,
    );
    expect(kptfile.upstream?.git).toEqual({ repo: 'https://git.example.test/r', directory: '/a', ref: 'v1' });
    expect(kptfile.upstream?.updateStrategy).toBe('resource-merge');
    expect(kptfile.upstreamLock?.git?.ref).toBe('v1');
  });

  test('scalars in string fields are strings with the text of the file', () => {
    const [fn] = read(
      `${HEAD}pipeline:\n  mutators:\n  - image: a\n    configMap: {one: 1, version: 1.10, mode: 0644, yes: true, none: }\n`,
    ).mutators;
    expect(fn?.configMap).toEqual({ one: '1', version: '1.10', mode: '0644', yes: 'true', none: '' });
  });

  test('selectors, exclude, when and configRef are passed on', () => {
    const [fn] = read(
      `${HEAD}pipeline:\n  validators:\n  - exec: ./check "a b"\n    when: size(resources) > 0\n    selectors: [{kind: A}]\n    exclude: [{labels: {x: 1}}]\n    configRef: {kind: K, name: n}\n`,
    ).validators;
    expect(fn).toEqual({
      exec: './check "a b"',
      when: 'size(resources) > 0',
      selectors: [{ kind: 'A' }],
      exclude: [{ labels: { x: '1' } }],
      configRef: { kind: 'K', name: 'n' },
    });
  });

  test('an empty configMap counts as none', () => {
    const [fn] = read(`${HEAD}pipeline: {mutators: [{image: a, configMap: {}, configPath: c.yaml}]}\n`).mutators;
    expect(fn).toEqual({ image: 'a', configPath: 'c.yaml' });
  });

  test('a condition of an unknown status reads as Unknown, with a warning', () => {
    const kptfile = read(`${HEAD}status: {conditions: [{type: A, status: maybe}], renderStatus: {new: 1}}\n`);
    expect(kptfile.conditions[0]?.status).toBe('Unknown');
    expect(kptfile.warnings).toEqual(['sub/Kptfile: condition A has status "maybe"; read as Unknown']);
  });
});

describe('a Kptfile is refused with file, line and field', () => {
  test.each<[string, string, string, number, RegExp]>([
    ['unknown field', 'pipelines: {}\n', 'pipelines', 5, /did you mean pipeline\?/],
    ['unknown metadata', 'info: {}\n', 'metadata.creationTimestamp', 4, /unknown field "creationTimestamp"/],
    ['unknown function field', 'pipeline:\n  mutators:\n  - iamge: x\n', 'pipeline.mutators[0].iamge', 7, /mean image/],
    ['an oci upstream without an image', 'upstream:\n  oci: {}\n', 'upstream.oci.image', 6, /must be set/],
    [
      'an unknown field of an oci upstream',
      'upstream:\n  oci: {image: x, tag: y}\n',
      'upstream.oci.tag',
      6,
      /unknown field/,
    ],
    ['list expected', 'pipeline:\n  mutators: {}\n', 'pipeline.mutators', 6, /list/],
    ['map expected', 'pipeline: []\n', 'pipeline', 5, /map/],
    ['string expected', 'info: {site: [a]}\n', 'info.site', 5, /string/],
    ['image and exec', 'pipeline:\n  mutators:\n  - image: a\n    exec: b\n', 'pipeline.mutators[0].exec', 8, /both/],
    ['no image or exec', 'pipeline:\n  mutators:\n  - name: a\n', 'pipeline.mutators[0]', 7, /image or exec/],
    ['bad image', 'pipeline:\n  mutators:\n  - image: a//a\n', 'pipeline.mutators[0].image', 7, /image reference/],
    ['open quote', 'pipeline:\n  mutators:\n  - exec: "a \'b"\n', 'pipeline.mutators[0].exec', 7, /quote/],
    [
      'two configurations',
      'pipeline:\n  mutators:\n  - image: a\n    configMap: {a: b}\n    configPath: x\n',
      'pipeline.mutators[0].configPath',
      9,
      /together/,
    ],
  ])('%s', (name, text, field, line, message) => {
    const head = name === 'unknown metadata' ? HEAD.replace('  name: sample', '  creationTimestamp: null') : HEAD;
    const error = readError(head + text);
    expect(error.reason).toBe('InvalidKptfile');
    expect(error.location).toEqual({ file: 'sub/Kptfile', line, field });
    expect(error.message).toMatch(message);
  });

  test.each(['kpt.dev/v1alpha1', 'kpt.dev/v1alpha2'])('%s is an old version to migrate', (version) => {
    const error = readError(`# licence\n${HEAD.replace('kpt.dev/v1', version)}`);
    expect(error.message).toMatch(/old Kptfile version.*migrate/);
    expect(error.location.line).toBe(2);
  });

  test.each([
    ['another kind', HEAD.replace('Kptfile', 'Other'), /unknown resource type/],
    ['another version', HEAD.replace('v1', 'v2'), /unknown resource type/],
    ['nothing', '# only\n', /empty/],
    ['a list', '- a\n', /no map/],
    ['broken YAML', 'a: [\n', /./],
  ])('%s', (_, text, message) => {
    expect(readError(text).message).toMatch(message);
  });

  test.each([
    ['""', false],
    ['" "', false],
    ['/etc/x', false],
    ['../x', false],
    ['a/../x', false],
    ['a/..', false],
    ['a..yaml', true],
    ['a/b..c/d.yaml', true],
    ['./x.yaml', true],
  ])('configPath %s', (configPath, accepted) => {
    const text = `${HEAD}pipeline:\n  mutators:\n  - image: a\n    configPath: ${configPath}\n`;
    if (accepted) expect(read(text).mutators).toHaveLength(1);
    else expect(readError(text).location.field).toBe('pipeline.mutators[0].configPath');
  });

  test.each([
    ['set-labels', true],
    ['a.b.c:1234/foo/bar', true],
    ['x:v1.3_beta', true],
    [`e/f:v1@sha256:${'a'.repeat(64)}`, true],
    ['UPPER/x', true],
    ['x::@!', false],
    ['"x:"', false],
    ['a/a/', false],
    ['a//a', false],
    ['Foo/FarB', false],
  ])('image %s', (image, accepted) => {
    const text = `${HEAD}pipeline:\n  mutators:\n  - image: ${image}\n`;
    if (accepted) expect(read(text).mutators).toHaveLength(1);
    else expect(readError(text).location.field).toBe('pipeline.mutators[0].image');
  });
});

describe('a Kptfile is edited in place', () => {
  test('F-03: a condition changes its lines only; header, comments and other documents stay', () => {
    const condition = { type: 'Ready', status: 'True', reason: 'Checked' };
    expect(edit(SAMPLE, (kptfile) => setKptfileCondition(kptfile, condition))).toBe(
      SAMPLE.replace('"False"', '"True"').replace('      message: not yet # note\n', '      reason: Checked\n'),
    );
    const other = { type: 'Rendered', status: 'True', reason: 'RenderSuccess' };
    expect(edit(SAMPLE, (kptfile) => setKptfileCondition(kptfile, other))).toBe(
      SAMPLE.replace(
        'not yet # note\n',
        'not yet # note\n    - type: Rendered\n      status: "True"\n      reason: RenderSuccess\n',
      ),
    );
  });

  test('nothing changed keeps the bytes', () => {
    const bytes = Buffer.from(SAMPLE);
    const same = { type: 'Ready', status: 'False', message: 'not yet' };
    expect(editKptfile('Kptfile', bytes, (kptfile) => setKptfileCondition(kptfile, same))).toBe(bytes);
    expect(editKptfile('Kptfile', bytes, (kptfile) => setReadinessGates(kptfile, ['Ready']))).toBe(bytes);
    expect(editKptfile('Kptfile', bytes, (kptfile) => structuredClone(kptfile))).toBe(bytes);
  });

  test('conditions appear where there were none, and go', () => {
    const added = edit(HEAD, (kptfile) => setKptfileCondition(kptfile, { type: 'A', status: 'Unknown' }));
    expect(added).toBe(`${HEAD}status:\n  conditions:\n  - type: A\n    status: Unknown\n`);
    expect(edit(added, (kptfile) => removeKptfileCondition(kptfile, 'A'))).toBe(HEAD);
  });

  test('readiness gates become exactly those named, in their old order', () => {
    const text = edit(SAMPLE, (kptfile) => setReadinessGates(kptfile, ['New', 'Ready', 'New']));
    expect(text).toBe(SAMPLE.replace('- conditionType: Ready\n', '- conditionType: Ready\n    - conditionType: New\n'));
    expect(edit(SAMPLE, (kptfile) => setReadinessGates(kptfile, []))).toBe(
      SAMPLE.replace('  readinessGates:\n    - conditionType: Ready\n', ''),
    );
  });

  test('labels and annotations are merged', () => {
    const text = edit(SAMPLE, (kptfile) => mergeKptfileMetadata(kptfile, 'labels', { app: 'x', gone: null }));
    expect(text).toBe(SAMPLE.replace('local-config: "true"\n', 'local-config: "true"\n  labels:\n    app: x\n'));
    expect(edit(text, (kptfile) => mergeKptfileMetadata(kptfile, 'labels', { app: null }))).toBe(SAMPLE);
  });
});

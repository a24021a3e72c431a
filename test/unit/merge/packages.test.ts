import { describe, expect, test } from '@jest/globals';
import { mergePackages } from '../../../src/merge/merge-packages.ts';
import { Package } from '../../../src/package/package.ts';
import { configMap, type Files, file, KPTFILE, mergeFiles, packageOf } from './support.ts';

const kptfile = (name: string, more = '') =>
  `apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: ${name}\n${more}`;
const upstream = (ref: string, directory = 'foo') =>
  `upstream:\n  type: git\n  git:\n    repo: https://git.example.com/blueprints.git\n    directory: ${directory}\n    ref: ${ref}\n`;

/** Every side has the root Kptfile. */
function merge(base: Files, local: Files, updated: Files, options: Parameters<typeof mergeFiles>[3] = {}) {
  const withRoot = (files: Files) => ({ Kptfile: KPTFILE, ...files });
  const { files, ...rest } = mergeFiles(withRoot(base), withRoot(local), withRoot(updated), options);
  const { Kptfile: root, ...others } = files;
  return { ...rest, root, files: others };
}

describe('resources and files', () => {
  const [one, two, three] = [
    configMap({ a: '1', b: '1' }),
    configMap({ a: '2', b: '1' }),
    configMap({ a: '1', b: '3' }),
  ];
  const both = configMap({ a: '2', b: '3' });

  test('102 and M-24: a file that was moved on either side is one file', () => {
    expect(merge({ 'a.yaml': one }, { 'moved.yaml': two }, { 'a.yaml': three })).toMatchObject({
      files: { 'moved.yaml': both },
      conflicts: [],
    });
    expect(merge({ 'a.yaml': one }, { 'a.yaml': two }, { 'dir/b.yaml': three }).files).toEqual({ 'dir/b.yaml': both });
  });

  test('103 and 7.4.52: a resource that was renamed here is still upstream’s', () => {
    const renamed = two
      .replace('metadata:', 'metadata: # kpt-merge: /settings')
      .replace('name: settings', 'name: mine');
    const merged = merge({ 'a.yaml': one }, { 'a.yaml': renamed }, { 'a.yaml': three });
    expect(merged.files).toEqual({ 'a.yaml': renamed.replace('b: 1', 'b: 3') });
    const marked = two.replace(
      'name: settings',
      "name: mine\n  annotations:\n    internal.kpt.dev/upstream-identifier: '|ConfigMap|default|settings'",
    );
    expect(merge({ 'a.yaml': one }, { 'a.yaml': marked }, { 'a.yaml': three }).files).toEqual({
      'a.yaml': marked.replace('b: 1', 'b: 3'),
    });
  });

  test('103, 7.4.65: two resources of one identity in one file are an error, and nothing changes', () => {
    const twice = `${one}---\n${two}`;
    for (const side of [0, 1, 2]) {
      const [base, local, updated] = [one, one, three].map((text, index) => (index === side ? twice : text));
      const at = (text = '') => ({ 'a.yaml': text });
      expect(() => merge(at(base), at(local), at(updated))).toThrow(
        expect.objectContaining({ reason: 'DuplicateResource', location: { file: 'a.yaml', line: 9 } }),
      );
    }
  });

  test('104: a version of the API that moved is the same resource', () => {
    const at = (version: string, more = '') =>
      `apiVersion: policy/${version}\nkind: Gate\nmetadata:\n  name: g\n${more}`;
    expect(
      merge({ 'a.yaml': at('v1beta1') }, { 'a.yaml': at('v1beta1', 'x: 1\n') }, { 'a.yaml': at('v1') }).files,
    ).toEqual({
      'a.yaml': at('v1', 'x: 1\n'),
    });
  });

  test('105 and 7.4.51: what was deleted here stays deleted; a conflict if upstream changed it', () => {
    expect(merge({ 'a.yaml': one }, {}, { 'a.yaml': one })).toMatchObject({ files: {}, conflicts: [] });
    expect(merge({ 'a.yaml': one }, {}, { 'a.yaml': three })).toMatchObject({
      files: {},
      conflicts: [{ file: 'a.yaml', resource: { name: 'settings' }, resolution: 'deleted' }],
    });
  });

  test('106, 7.4.50 and M-06: what upstream removed goes if it is as it came, else stays with a conflict', () => {
    expect(merge({ 'a.yaml': one }, { 'a.yaml': one }, {})).toMatchObject({ files: {}, conflicts: [] });
    const marked = one.replace('metadata:', 'metadata: # kpt-merge: /settings');
    expect(merge({ 'a.yaml': one }, { 'a.yaml': marked }, {}).files).toEqual({});
    expect(merge({ 'a.yaml': one }, { 'a.yaml': two }, {})).toMatchObject({
      files: { 'a.yaml': two },
      conflicts: [{ file: 'a.yaml', resource: { kind: 'ConfigMap', name: 'settings' }, resolution: 'kept' }],
    });
  });

  test('M-05: a resource that is only here is there once afterwards', () => {
    const quota = 'apiVersion: v1\nkind: ResourceQuota\nmetadata:\n  name: caps\nspec: {}\n';
    expect(merge({ 'a.yaml': one }, { 'a.yaml': one, 'q.yaml': quota }, { 'a.yaml': three }).files).toEqual({
      'a.yaml': three,
      'q.yaml': quota,
    });
    // A pipeline put everything into a namespace, and the markers were lost.
    const placed = one.replace('  name: settings\n', '  name: settings\n  namespace: prod\n');
    expect(merge({ 'a.yaml': one }, { 'a.yaml': placed }, { 'a.yaml': three }).files).toEqual({
      'a.yaml': placed.replace('b: 1', 'b: 3'),
    });
  });

  test('M-07: one identity in two files is paired by path', () => {
    const merged = merge(
      { 'deploy.yaml': one, 'patches/deploy.yaml': one },
      { 'deploy.yaml': two, 'patches/deploy.yaml': one },
      { 'deploy.yaml': one, 'patches/deploy.yaml': three },
    );
    expect(merged).toMatchObject({ files: { 'deploy.yaml': two, 'patches/deploy.yaml': three }, conflicts: [] });
  });

  test('documents of a file are taken, dropped and added one by one; the others keep their bytes', () => {
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => configMap({ x: '1' }, name));
    const join = (...documents: (string | undefined)[]) => documents.join('---\n');
    const mine = b?.replace('x: 1', 'x:   1 # odd style');
    const merged = merge(
      { 'all.yaml': join(a, b, c) },
      { 'all.yaml': `# head\n---\n${join(a, mine, c)}` },
      { 'all.yaml': join(b, c?.replace('x: 1', 'x: 2'), d) },
    );
    expect(merged.files['all.yaml']).toBe(`# head\n---\n${join(mine, c?.replace('x: 1', 'x: 2'), d)}`);
  });

  test('107, 7.4.54 and M-13: files that are no resources follow upstream, merge by line, or stay with a conflict', () => {
    const text = (first: string, last: string) => `${first}\n2\n3\n4\n${last}\n`;
    const read = (local: string, updated: string) =>
      merge({ 'README.md': text('1', '5') }, { 'README.md': local }, { 'README.md': updated });
    expect(read(text('1', '5'), text('one', '5')).files['README.md']).toBe(text('one', '5'));
    expect(read(text('1', 'five'), text('one', '5'))).toMatchObject({
      files: { 'README.md': text('one', 'five') },
      conflicts: [],
    });
    expect(read(text('eins', '5'), text('one', '5'))).toMatchObject({
      files: { 'README.md': text('eins', '5') },
      conflicts: [{ file: 'README.md', resolution: 'local' }],
    });
    expect(merge({ a: '1' }, { a: '1' }, {}).files).toEqual({});
    expect(merge({ a: '1' }, { a: '2' }, {})).toMatchObject({
      files: { a: '2' },
      conflicts: [{ file: 'a', resolution: 'kept' }],
    });
  });

  test('108: a file that was deleted here stays deleted', () => {
    expect(merge({ 'README.md': '1' }, {}, { 'README.md': '1' })).toMatchObject({ files: {}, conflicts: [] });
    expect(merge({ 'README.md': '1' }, {}, { 'README.md': '2' })).toMatchObject({
      files: {},
      conflicts: [{ file: 'README.md', resolution: 'deleted' }],
    });
  });

  test('109: dot files and ignored YAML follow upstream', () => {
    const at = (value: string) => ({
      '.krmignore': 'values.yaml\n',
      '.gitignore': value,
      '.github/x.yaml': value,
      'values.yaml': `image: {{ ${value} }}\n`,
    });
    expect(merge(at('1'), at('1'), at('2')).files).toEqual(at('2'));
  });

  test('binary files are never merged by line, and modes are merged on their own', () => {
    const package_ = (bytes: number[], mode: '100644' | '100755') =>
      Package.of([
        ['Kptfile', file(KPTFILE)],
        ['run.sh', file('#!/bin/sh\n', mode)],
        ['logo.png', file(Uint8Array.from(bytes))],
      ]);
    const input = {
      base: package_([0, 1], '100644'),
      local: package_([0, 2], '100644'),
      updated: package_([0, 3], '100755'),
    };
    const { pkg, conflicts } = mergePackages(input, { strategy: 'resource-merge' });
    expect(pkg.get('logo.png')?.bytes).toEqual(Uint8Array.from([0, 2]));
    expect(pkg.get('run.sh')?.mode).toBe('100755');
    expect(conflicts).toEqual([{ file: 'logo.png', resolution: 'local' }]);
  });

  test.each(['base', 'local', 'updated'])('unreadable YAML in %s is an error with its place', (side) => {
    const sides = { base: one, local: two, updated: three, [side]: 'a: [\n' };
    const run = () => merge({ 'a.yaml': sides.base }, { 'a.yaml': sides.local }, { 'a.yaml': sides.updated });
    expect(run).toThrow(
      expect.objectContaining({ reason: 'InvalidYaml', location: expect.objectContaining({ file: 'a.yaml' }) }),
    );
  });

  test('unreadable YAML that is the same everywhere is nobody’s business', () => {
    const files = { 'chart.yaml': 'a: {{ .Values.a }\n', 'a.yaml': one };
    expect(merge(files, files, { ...files, 'a.yaml': three }).files).toEqual({ ...files, 'a.yaml': three });
  });

  test('anchors that contain themselves are an error, not an endless merge', () => {
    const cyclic = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: &a\n  b: *a\n';
    expect(() => merge({ 'a.yaml': one }, { 'a.yaml': cyclic }, { 'a.yaml': three })).toThrow(
      expect.objectContaining({ reason: 'InvalidYaml' }),
    );
  });
});

describe('subpackages', () => {
  const sub = (data: string) => ({ 'sub/Kptfile': kptfile('sub'), 'sub/a.yaml': configMap({ a: data }) });

  test('110 and 7.4.62: one that both sides added is an error that names it, unless it is the same', () => {
    expect(() => merge({}, sub('1'), sub('2'))).toThrow(
      expect.objectContaining({ reason: 'SubpackageAddedTwice', message: expect.stringContaining('"sub"') }),
    );
    expect(merge({}, sub('1'), sub('1')).files).toEqual(sub('1'));
  });

  test('111: one that upstream removed goes if it is as it came, else it stays as it is', () => {
    expect(merge(sub('1'), sub('1'), {})).toMatchObject({ files: {}, conflicts: [] });
    const edited = { ...sub('2'), 'sub/b.yaml': configMap({ b: '1' }, 'b') };
    expect(merge({ ...sub('1'), 'sub/b.yaml': configMap({ b: '1' }, 'b') }, edited, {})).toMatchObject({
      files: edited,
      conflicts: [{ file: 'sub/Kptfile', resolution: 'kept' }],
    });
  });

  test('M-14: one that upstream added comes whole', () => {
    expect(merge({}, {}, sub('1')).files).toEqual(sub('1'));
    const own = { ...sub('1'), 'sub/Kptfile': kptfile('sub', upstream('v1')) };
    expect(merge({}, {}, own, { independent: 'merge' }).files).toEqual(own);
    expect(merge({}, {}, own).files).toEqual({});
  });

  test('M-15: a nested pipeline is updated, and where a nested package comes from is kept', () => {
    const pipeline = (tag: string) => `pipeline:\n  mutators:\n  - image: ghcr.io/f/set-labels:${tag}\n`;
    const nested = (tag: string, note = '') => ({
      'sub/Kptfile': kptfile('sub', `${upstream('v1')}${pipeline(tag)}${note}`),
    });
    const info = 'info:\n  description: mine\n';
    expect(merge(nested('v1'), nested('v1', info), nested('v2'), { independent: 'merge' }).files).toEqual(
      nested('v2', info),
    );
  });

  test('112: an independent one is told by its directory, not by the beginning of its name', () => {
    const at = (directory: string, data: string) => ({ [`${directory}/a.yaml`]: configMap({ a: data }) });
    const own = { 'foo/Kptfile': kptfile('foo', upstream('v1')) };
    const merged = merge(
      { ...own, ...at('foo', '1'), ...at('foobar', '1') },
      { ...own, ...at('foo', '1'), ...at('foobar', '1') },
      { ...own, ...at('foo', '2'), ...at('foobar', '2') },
    );
    expect(merged.files).toEqual({ ...own, ...at('foo', '1'), ...at('foobar', '2') });
  });

  test('113: one that users pointed to another upstream is theirs', () => {
    const at = (ref: string, data: string) => ({
      'sub/Kptfile': kptfile('sub', upstream(ref)),
      'sub/a.yaml': configMap({ a: data }),
    });
    const merged = merge(at('v1', '1'), at('mine', '1'), at('v2', '2'), { independent: 'merge' });
    expect(merged.files).toEqual(at('mine', '1'));
    expect(merge(at('v1', '1'), at('v1', '1'), at('v2', '2'), { independent: 'merge' }).files).toEqual(at('v2', '2'));
  });

  test('M-24: resources of one name in parent and child are never paired', () => {
    const at = (root: string, child: string) => ({
      'a.yaml': configMap({ a: root }),
      'sub/Kptfile': kptfile('sub'),
      'sub/a.yaml': configMap({ a: child }),
    });
    expect(merge(at('1', '1'), at('2', '1'), at('1', '3'))).toMatchObject({ files: at('2', '3'), conflicts: [] });
  });

  test('M-23: package paths with folders in them', () => {
    const at = (data: string) => ({
      'area/site/Kptfile': kptfile('site'),
      'area/site/x/a.yaml': configMap({ a: data }),
    });
    expect(merge(at('1'), at('1'), at('2')).files).toEqual(at('2'));
  });
});

describe('other strategies', () => {
  const base = { 'a.yaml': configMap({ a: '1' }), 'gone.txt': '1' };
  const updated = { 'a.yaml': configMap({ a: '2' }), 'new.txt': '2' };
  const marked = { 'a.yaml': base['a.yaml'].replace('metadata:', 'metadata: # kpt-merge: /settings') };

  test('114, 7.4.58: fast-forward takes all of upstream when nothing was changed here', () => {
    const rendered = `${KPTFILE}status:\n  conditions:\n  - type: Rendered\n    status: "True"\n`;
    for (const local of [base, { ...base, ...marked }, { ...base, Kptfile: rendered }]) {
      expect(merge(base, local, updated, { strategy: 'fast-forward' }).files).toEqual(updated);
    }
    expect(() =>
      merge(base, { ...base, 'gone.txt': '2', 'mine.txt': '' }, updated, { strategy: 'fast-forward' }),
    ).toThrow(
      expect.objectContaining({
        reason: 'LocalChanges',
        message: expect.stringMatching(/modified: gone.txt, mine.txt;/),
      }),
    );
  });

  test('115, 7.4.59: force-delete-replace leaves nothing of its own but the Kptfile', () => {
    const local = { ...base, 'gone.txt': 'edited', 'mine.txt': '', Kptfile: kptfile('mine') };
    expect(merge(base, local, updated, { strategy: 'force-delete-replace' })).toMatchObject({
      files: updated,
      warnings: ['local changes are gone: gone.txt, mine.txt'],
      root: kptfile('mine'),
    });
  });

  test('115, 116, 7.4.60 and M-12: copy-merge overwrites and deletes what upstream has and had, and keeps the rest', () => {
    const local = { ...base, 'a.yaml': configMap({ a: 'mine' }), 'gone.txt': 'mine', 'dir/mine.txt': '' };
    const merged = merge({ ...base, 'dir/old.txt': '' }, { ...local, 'dir/old.txt': '' }, updated, {
      strategy: 'copy-merge',
    });
    expect(merged.files).toEqual({ ...updated, 'dir/mine.txt': '' });
    expect(merged.conflicts).toEqual([
      { file: 'a.yaml', resolution: 'upstream' },
      { file: 'gone.txt', resolution: 'deleted' },
    ]);
  });
});

describe('the Kptfile', () => {
  const functions = (...items: string[]) =>
    kptfile('app', `pipeline:\n  mutators:\n${items.map((item) => `  - ${item}\n`).join('')}`);
  const root = (base: string, local: string, updated: string) =>
    mergeFiles({ Kptfile: base }, { Kptfile: local }, { Kptfile: updated });

  test('123: functions that both sides append are both there, the local one first', () => {
    const image = (name: string) => `image: ghcr.io/f/${name}:v1`;
    const merged = root(functions(image('a')), functions(image('a'), image('l')), functions(image('a'), image('u')));
    expect(merged).toMatchObject({ files: { Kptfile: functions(image('a'), image('l'), image('u')) }, conflicts: [] });
  });

  test('124: the port of a registry is no tag', () => {
    const image = (name: string, tag: string) => `image: localhost:5000/${name}:${tag}`;
    const merged = root(
      functions(image('a', 'v1'), image('b', 'v1')),
      functions(image('a', 'v1'), `${image('b', 'v1')} # mine\n    configMap:\n      x: "1"`),
      functions(image('a', 'v2'), image('b', 'v1')),
    );
    expect(merged.files.Kptfile).toBe(
      functions(image('a', 'v2'), `${image('b', 'v1')} # mine\n    configMap:\n      x: "1"`),
    );
  });

  test('125 and 7.4.53: named functions merge by name', () => {
    const named = (tag: string, value: string) =>
      `name: labels\n    image: ghcr.io/f/set-labels:${tag}\n    configMap:\n      app: ${value}`;
    const merged = root(
      functions(named('v1', 'a')),
      functions('name: mine\n    image: ghcr.io/f/set-labels:v1', named('v1', 'b')),
      functions(named('v2', 'a')),
    );
    expect(merged).toMatchObject({
      files: { Kptfile: functions('name: mine\n    image: ghcr.io/f/set-labels:v1', named('v2', 'b')) },
      conflicts: [],
    });
  });

  test('several functions of one image without a name are never mixed up', () => {
    const labels = (value: string) => `image: ghcr.io/f/set-labels:v1\n    configMap:\n      app: ${value}`;
    const merged = root(
      functions(labels('a'), labels('b')),
      functions(labels('a'), labels('b'), labels('mine')),
      functions(labels('a'), labels('c')),
    );
    expect(merged.files.Kptfile).toBe(functions(labels('a'), labels('mine'), labels('c')));
  });

  test('126: keywords, readiness gates and emails are united', () => {
    const info = (word: string, gate: string) =>
      kptfile('app', `info:\n  keywords: [a${word}]\n  readinessGates:\n  - conditionType: A\n${gate}`);
    const gate = (type: string) => `  - conditionType: ${type}\n`;
    const merged = root(info('', ''), info(', l', gate('L')), info(', u', gate('U')));
    expect(merged).toMatchObject({ files: { Kptfile: info(', l, u', gate('L') + gate('U')) }, conflicts: [] });
  });

  test('127: name, upstream, lock and comments of the local Kptfile stay; what upstream rendered is not taken', () => {
    const local = `# ours\n${kptfile('mine', `${upstream('v1')}info:\n  description: old # note\n`)}`;
    const updated = kptfile(
      'theirs',
      'info:\n  description: new\nstatus:\n  conditions:\n  - type: Rendered\n    status: "False"\n  - type: Checked\n    status: "True"\n',
    );
    const merged = root(kptfile('theirs', 'info:\n  description: old\n'), local, updated).files.Kptfile;
    expect(merged).toBe(
      `${local.replace('old #', 'new #')}status:\n  conditions:\n  - type: Checked\n    status: "True"\n`,
    );
  });

  test('a broken Kptfile is an error with its place', () => {
    expect(() => root(KPTFILE, KPTFILE, `${KPTFILE}pipelin: {}\n`)).toThrow(
      expect.objectContaining({
        reason: 'InvalidKptfile',
        location: expect.objectContaining({ file: 'Kptfile', line: 5 }),
      }),
    );
  });
});

describe('large packages', () => {
  const files = (count: number, data: (index: number) => string) =>
    Array.from({ length: count }, (_, index) => {
      return [`d${index % 100}/${index}.yaml`, configMap({ a: data(index) }, `c${index}`)] as const;
    });
  const run = (count: number, order: <T>(list: T[]) => T[]) => {
    const side = (data: (index: number) => string) => packageOf(Object.fromEntries(order(files(count, data))));
    const base = side(() => '1');
    const local = side((index) => (index % 7 === 0 ? '2' : '1'));
    const updated = side((index) => (index % 5 === 0 ? '3' : '1'));
    return mergePackages({ base, local, updated }, { strategy: 'resource-merge' });
  };

  test('the result does not depend on the order of the files', () => {
    const [one, other] = [run(500, (list) => list), run(500, (list) => list.reverse())];
    expect(one.pkg.hash()).toBe(other.pkg.hash());
    expect(one.conflicts).toEqual(other.conflicts);
  });

  test('10,000 files merge', () => {
    expect(run(10_000, (list) => list).conflicts).toHaveLength(286);
  });

  test('of very many conflicts the first are listed and the rest is counted', () => {
    const many = (value: string) =>
      configMap(Object.fromEntries(Array.from({ length: 1_200 }, (_, index) => [`k${index}`, value])));
    const merged = mergeFiles(
      { Kptfile: KPTFILE, 'a.yaml': many('1') },
      { Kptfile: KPTFILE, 'a.yaml': many('2') },
      { Kptfile: KPTFILE, 'a.yaml': many('3') },
    );
    expect([merged.conflicts.length, merged.omittedConflicts]).toEqual([1_000, 200]);
  });
});

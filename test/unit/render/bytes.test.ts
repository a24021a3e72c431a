import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { setIn } from '../../../src/krm/value.ts';
import { configMap, kptfile, packageOf, render, testFunction, textOf } from './support.ts';

const NO_OPS = 'pipeline:\n  mutators:\n  - image: same\n  - image: same\n  - image: same\n';
const same = testFunction('same', () => ({}));

async function changed(text: string, path: (string | number)[], value: string): Promise<string | undefined> {
  const change = testFunction('change', ({ items }) => ({
    items: items.map((item) => (item.path === 'a.yaml' ? { ...item, value: setIn(item.value, path, value) } : item)),
  }));
  const Kptfile = kptfile('r', 'pipeline:\n  mutators:\n  - image: change\n');
  const { package: rendered, report } = await render(packageOf({ Kptfile, 'a.yaml': text }), [change]);
  expect(report.failure).toBeUndefined();
  return textOf(rendered, 'a.yaml');
}

describe('bytes that no function changed', () => {
  test.each([
    ['F-02: a document of comments only', '# header\n---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n'],
    [
      'F-04: four spaces and quoted keys',
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n    "name": a\ndata:\n    "k": \'v\'\n',
    ],
    [
      'F-05: an explicit null',
      'apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  ports: [{port: 80, nodePort: null}]\n',
    ],
    ['F-06: a folded scalar with a comment', `${configMap('a')}data:\n  note: >- # why\n    one\n    two\n`],
    ['F-08: a comment above a list item', `${configMap('a')}list:\n- name: a\n# second\n- name: b\n`],
    ['G-18, H 40: CRLF', configMap('a').replaceAll('\n', '\r\n')],
    ['H 82: a merge key', `${configMap('a')}one: &one {a: 1}\n\ntwo:\n  <<: *one\n`],
    ['no line break at the end', configMap('a').trimEnd()],
  ])('%s: stay through three functions', async (_, text) => {
    const pkg = packageOf({ Kptfile: kptfile('r', NO_OPS), 'a.yaml': text });
    const { package: rendered, report } = await render(pkg, [same]);
    expect(report.failure).toBeUndefined();
    expect(textOf(rendered, 'a.yaml')).toBe(text);
  });

  test('F-01: ten renders with three functions copy no comment anywhere', async () => {
    const source = packageOf({
      Kptfile: kptfile('r', NO_OPS),
      'a.yaml': `${configMap('one')}data:\n  k: v # keep here\n`,
      'b.yaml': `${configMap('two')}data:\n  k: v\n`,
    });
    let pkg = source;
    for (let round = 0; round < 10; round += 1) pkg = (await render(pkg, [same])).package;
    expect(textOf(pkg, 'a.yaml')).toBe(textOf(source, 'a.yaml'));
    expect(textOf(pkg, 'b.yaml')).toBe(textOf(source, 'b.yaml'));
  });

  test('F-07: a changed tag changes its line only', async () => {
    const text = `${configMap('a')}resources:\n  # pinned for audit\n  - https://git.example.test/base.yaml\nimages: [{name: web, newTag: "1"}]\n`;
    expect(await changed(text, ['images', 0, 'newTag'], '2')).toBe(text.replace('"1"', '"2"'));
  });

  test('G-18: a changed file keeps its line ends', async () => {
    const text = `${configMap('a')}list:\n- name: a\n  v: x\n`.replaceAll('\n', '\r\n');
    expect(await changed(text, ['list', 0, 'v'], 'z')).toBe(text.replace('v: x', 'v: z'));
  });

  test('F-08: a comment above a list item stays there when the list is edited', async () => {
    const text = `${configMap('a')}list:\n- name: a\n  v: x\n# second\n- name: b\n  v: x\n`;
    expect(await changed(text, ['list', 1, 'v'], 'z')).toBe(text.replace('name: b\n  v: x', 'name: b\n  v: z'));
  });

  test('F-03, H 86: the Kptfile keeps its comments, the status is added', async () => {
    const text = `# licence\n${kptfile('r')}# owner: ops\npipeline:\n  mutators:\n  - image: same # kpt-set: \${image}\n`;
    const { package: rendered } = await render(packageOf({ Kptfile: text }), [same]);
    expect(textOf(rendered, 'Kptfile')?.startsWith(text)).toBe(true);
    expect(textOf(rendered, 'Kptfile')).toContain('reason: RenderSuccess');
  });

  test('S-02: a sibling that comes in leaves the comment of a setter, which sets again', async () => {
    const text = configMap('a', '  annotations:\n    net/ip: 10.0.0.9 # kpt-set: ${ip}\n');
    const Kptfile = kptfile(
      'r',
      'pipeline:\n  mutators:\n  - image: set-annotations\n    configMap: {origin: here}\n  - image: apply-setters\n    configMap: {ip: 10.0.0.1}\n',
    );
    const { package: rendered } = await render(packageOf({ Kptfile, 'a.yaml': text }));
    expect(textOf(rendered, 'a.yaml')).toBe(`${text.replace('10.0.0.9', '10.0.0.1')}    origin: here\n`);
  });

  test('H 15: a second document of the Kptfile survives', async () => {
    const text = `${kptfile('r', NO_OPS)}---\n${configMap('beside')}`;
    const { package: rendered } = await render(packageOf({ Kptfile: text }), [same]);
    expect(textOf(rendered, 'Kptfile')).toContain(`---\n${configMap('beside')}`);
  });

  test('H 80: a package without pipelines changes once, by its status', async () => {
    const first = await render(packageOf({ Kptfile: kptfile('r'), 'a.yaml': configMap('a') }));
    const second = await render(first.package);
    expect(second.package).toBe(first.package);
  });

  test('rendering twice gives the same bytes, whatever the setters and labels are', async () => {
    const word = fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,8}[a-z0-9])?$/);
    const property = fc.asyncProperty(word, word, word, async (namespace, label, value) => {
      const Kptfile = kptfile(
        'r',
        `pipeline:\n  mutators:\n  - image: set-namespace\n    configMap: {namespace: "${namespace}"}\n  - image: set-labels\n    configMap: {"${label}": "${value}"}\n  - image: apply-setters\n    configMap: {v: "${value}"}\n  - image: set-annotations\n    configMap: {"${label}": "${value}"}\n`,
      );
      const deployment =
        'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web # name\nspec:\n  replicas: 1 # kpt-set: ${v}\n  template: {}\n';
      const first = await render(
        packageOf({ Kptfile, 'web.yaml': deployment, 'cm.yaml': configMap('cm', 'data:\n  k: x # kpt-set: a-${v}\n') }),
      );
      expect(first.report.failure).toBeUndefined();
      const second = await render(first.package);
      expect(second.package.hash()).toBe(first.package.hash());
    });
    await fc.assert(property, { numRuns: 40 });
  });
});

describe('bytes that are not KRM', () => {
  test.each([
    ['README.md', 'hello\n'],
    ['values.yaml', 'replicas: 3\n'],
    ['R-14: kustomization.yaml', 'resources: [a.yaml]\n'],
    ['package.json', '{"name": "x"}'],
    ['R-17: .fmt.json', '{"tabs": true}'],
    ['H 37: a list', 'apiVersion: v1\nkind: List\nitems: []\n'],
    ['H 38: NOTICE.yaml', '# only a comment\n'],
    [
      'templates/web.yaml',
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n{{- if .Values.x }}\n{{- end }}\n',
    ],
  ])('%s passes through and no function sees it', async (title, text) => {
    const path = title.replace(/^.*: /, '').replace('a list', 'list.yaml');
    let seen = 0;
    const look = testFunction('same', ({ items }) => {
      seen += items.filter((item) => item.path === path).length;
      return {};
    });
    const { package: rendered, report } = await render(packageOf({ Kptfile: kptfile('r', NO_OPS), [path]: text }), [
      look,
    ]);
    expect(report.failure).toBeUndefined();
    expect(textOf(rendered, path)).toBe(text);
    expect(seen).toBe(0);
  });

  test('H 36: a kustomization that says what it is goes to the functions', async () => {
    const text = 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n';
    const Kptfile = kptfile('r', 'pipeline:\n  mutators:\n  - image: set-labels\n    configMap: {tier: db}\n');
    const { package: rendered } = await render(packageOf({ Kptfile, 'kustomization.yaml': text }));
    expect(textOf(rendered, 'kustomization.yaml')).toBe(`${text}metadata:\n  labels:\n    tier: db\n`);
  });

  test('H 32, H 33: ignored files are neither seen nor changed, those of a subpackage are its own', async () => {
    const Kptfile = kptfile('r', 'pipeline:\n  mutators:\n  - image: set-labels\n    configMap: {tier: db}\n');
    const pkg = packageOf({
      Kptfile,
      '.krmignore': 'x.yaml\n',
      'x.yaml': configMap('x'),
      'sub/Kptfile': kptfile('sub'),
      'sub/x.yaml': configMap('sub-x'),
    });
    const { package: rendered } = await render(pkg);
    expect(textOf(rendered, 'x.yaml')).toBe(configMap('x'));
    expect(textOf(rendered, 'sub/x.yaml')).toContain('tier: db');
  });

  test.each([
    ['H 89: a tab', 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: a\n', 4],
    ['H 41: a duplicate key', 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  name: b\n', 5],
  ])('%s in a resource fails the render, naming file and line', async (_, text, line) => {
    const pkg = packageOf({ Kptfile: kptfile('r', NO_OPS), 'bad.yaml': text });
    const { package: rendered, report } = await render(pkg, [same]);
    expect(report.failure).toMatchObject({
      reason: 'InvalidYaml',
      message: expect.stringContaining(`bad.yaml:${line}`),
    });
    expect(textOf(rendered, 'bad.yaml')).toBe(text);
  });
});

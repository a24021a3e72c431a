import { describe, expect, test } from '@jest/globals';
import { deleteAnnotations } from '../../../../src/functions/catalog/delete-annotations/function.ts';
import { removeLocalConfigResources } from '../../../../src/functions/catalog/remove-local-config-resources/function.ts';
import { setProjectId } from '../../../../src/functions/catalog/set-project-id/function.ts';
import { upsertResource } from '../../../../src/functions/catalog/upsert-resource/function.ts';
import { getIn, type KrmMap } from '../../../../src/krm/value.ts';
import { itemsOf, messages, run, values } from './support.ts';

const LOCAL = '  annotations:\n    config.kubernetes.io/local-config: "true"\n';
const KPTFILE = 'apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: p\n';

function configMap(name: string, rest = ''): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n${rest}`;
}

describe('remove-local-config-resources', () => {
  test('H 166: what is marked goes, but never a Kptfile', () => {
    const kptfile = itemsOf(KPTFILE + LOCAL, 'Kptfile');
    const items = [...kptfile, ...itemsOf(`${configMap('a', LOCAL)}---\n${configMap('b')}`)];
    const output = run(removeLocalConfigResources, items);
    expect(output.items).toEqual([items[0], items[2]]);
    expect(output.results).toEqual([
      { severity: 'info', message: 'Number of resources pruned: 1' },
      { severity: 'info', message: 'Resource name: [a]', file: { path: 'a.yaml' } },
    ]);
  });

  test('nothing marked is told', () => {
    const output = run(removeLocalConfigResources, itemsOf(configMap('a', LOCAL.replace('"true"', '"no"'))));
    expect(output.items).toHaveLength(1);
    expect(output.results).toEqual([
      { severity: 'warning', message: 'Found no resources to prune with the local config annotation' },
    ]);
  });
});

describe('delete-annotations', () => {
  const ANNOTATED = configMap('a', '  annotations:\n    x.test/a: "1"\n    b: "2"\n    c: "3"\n');

  test('removes the annotations that are named', () => {
    const output = run(deleteAnnotations, itemsOf(`${ANNOTATED}---\n${configMap('b')}`), {
      annotationKeys: 'x.test/a, b,none',
    });
    expect(getIn(values(output)[0], ['metadata'])).toEqual({ name: 'a', annotations: { c: '3' } });
    expect(messages(output)).toEqual([
      'The provided annotations were deleted from 1 resource(s)',
      'Annonation: [x.test/a] removed from resource: [a]',
      'Annonation: [b] removed from resource: [a]',
    ]);
  });

  test('the last one takes the map with it', () => {
    const output = run(deleteAnnotations, itemsOf(ANNOTATED), { annotationKeys: 'x.test/a,b,c' });
    expect(getIn(values(output)[0], ['metadata'])).toEqual({ name: 'a' });
  });

  test('none are told, and no names fail', () => {
    const items = itemsOf(configMap('a'));
    const output = run(deleteAnnotations, items, { annotationKeys: 'x' });
    expect(output.items[0]).toBe(items[0]);
    expect(messages(output)).toEqual(['None of the resources had the provided annotations to delete']);
    expect(run(deleteAnnotations, items, { annotationKeys: ' ,' })).toMatchObject({
      exitCode: 1,
      results: [{ message: 'annotationKeys was not provided as part of the config or paramters to the function' }],
    });
  });
});

describe('upsert-resource', () => {
  const resource = (version: string, name: string, spec: KrmMap, annotations?: KrmMap): KrmMap => ({
    apiVersion: `x.test/${version}`,
    kind: 'Custom',
    metadata: { name, ...(annotations === undefined ? {} : { annotations }) },
    spec,
  });
  const custom = (version: string, name: string) =>
    `apiVersion: x.test/${version}\nkind: Custom\nmetadata:\n  name: ${name}\nspec: {}\n`;

  test('H 165: another version of the same resource is replaced where it lies', () => {
    const items = itemsOf(`${custom('v1', 'a')}---\n${custom('v1', 'b')}`, 'dir/c.yaml');
    const output = run(upsertResource, items, resource('v2', 'b', { n: 1 }));
    expect(output.items[0]).toBe(items[0]);
    expect(output.items[1]).toMatchObject({
      path: 'dir/c.yaml',
      index: 1,
      id: 2,
      value: resource('v2', 'b', { n: 1 }),
    });
    expect(run(upsertResource, output.items, resource('v2', 'b', { n: 1 })).items[1]).toBe(output.items[1]);
  });

  test('of another group it is another resource', () => {
    const output = run(upsertResource, itemsOf(custom('v1', 'a').replace('x.test', 'y.test')), resource('v1', 'a', {}));
    expect(output.items).toHaveLength(2);
    expect(output.items[1]).toEqual({ value: resource('v1', 'a', {}), path: undefined });
  });

  test('the target path is where it is added, and which of several is replaced', () => {
    const items = [...itemsOf(custom('v1', 'a'), 'one.yaml'), ...itemsOf(custom('v1', 'a'), 'two.yaml')];
    const at = (path: string) => resource('v1', 'a', { n: 1 }, { 'config.kubernetes.io/target-path': path });
    const replaced = run(upsertResource, items, at('two.yaml'));
    expect(replaced.items.map(({ value }) => getIn(value, ['spec']))).toEqual([{}, { n: 1 }]);
    const added = run(upsertResource, items, at('three.yaml'));
    expect(added.items[2]).toEqual({ value: resource('v1', 'a', { n: 1 }), path: 'three.yaml' });
  });

  test('a list upserts each of its items', () => {
    const list = { apiVersion: 'v1', kind: 'List', items: [resource('v1', 'a', { n: 1 }), resource('v1', 'z', {})] };
    const output = run(upsertResource, itemsOf(custom('v1', 'a')), list);
    expect(values(output)).toEqual([resource('v1', 'a', { n: 1 }), resource('v1', 'z', {})]);
  });

  test('a configuration in the package is not what it configures, and its mark is its own', () => {
    const config = itemsOf(`${custom('v1', 'a').replace('spec: {}\n', '')}${LOCAL}spec: {n: 1}\n`, 'config.yaml');
    const output = run(upsertResource, config, config[0]?.value);
    expect(output.items[0]).toBe(config[0]);
    expect(output.items[1]).toEqual({ value: resource('v1', 'a', { n: 1 }), path: undefined });
  });

  test.each<[KrmMap | undefined, string]>([
    [undefined, 'the functionConfig, which is the resource to upsert, is missing'],
    [{ apiVersion: 'v1', kind: 'A' }, 'the resource to upsert has no metadata.name'],
    [{ apiVersion: 'v1', kind: 'List', items: [1] }, 'the resource to upsert has no apiVersion'],
  ])('%j fails', (config, message) => {
    const output = run(upsertResource, [], config);
    expect(output.exitCode).toBe(1);
    expect(messages(output)).toEqual([`failed to upsert resource: ${message}`]);
  });
});

describe('set-project-id', () => {
  const mutators = (value: KrmMap | undefined) => getIn(value, ['pipeline', 'mutators']);
  const set = (items: ReturnType<typeof itemsOf>) => run(setProjectId, items, { 'project-id': 'foo' });
  const BUCKET = 'apiVersion: storage.cnrm.cloud.google.com/v1beta1\nkind: StorageBucket\nmetadata:\n  name: b\n';

  test('a step that applies setters is added to a Kptfile without one', () => {
    const output = set(itemsOf(KPTFILE, 'Kptfile'));
    expect(mutators(values(output)[0])).toEqual([
      { image: 'ghcr.io/kptdev/krm-functions-catalog/apply-setters:v0.2', configMap: { 'project-id': 'foo' } },
    ]);
    expect(set([...output.items]).items[0]).toBe(output.items[0]);
  });

  test.each([
    ['configMap:\n      other: x\n', { other: 'x', 'project-id': 'foo' }],
    ['configMap:\n      project-id: ""\n', { 'project-id': 'foo' }],
    ['configMap:\n      project-id: bar\n', { 'project-id': 'bar' }],
  ])('the setter of a step with %j', (config, expected) => {
    const text = `${KPTFILE}pipeline:\n  mutators:\n  - image: apply-setters:v0.2\n    ${config}`;
    expect(mutators(values(set(itemsOf(text, 'Kptfile')))[0])).toMatchObject([{ configMap: expected }]);
  });

  test('the setter goes into the file that a step names, of the same package', () => {
    const step = '  - image: apply-setters:v0.2\n    configPath: s.yaml\n';
    const kptfile = itemsOf(`${KPTFILE}pipeline:\n  mutators:\n${step}`, 'Kptfile', 'sub');
    const items = [...kptfile, ...itemsOf(configMap('s'), 's.yaml', ''), ...itemsOf(configMap('s'), 's.yaml', 'sub')];
    expect(values(set(items)).map((value) => value.data)).toEqual([undefined, undefined, { 'project-id': 'foo' }]);
    expect(messages(set(kptfile))[0]).toContain("file s.yaml doesn't exist");
  });

  test('resources of Config Connector get the annotation where it is missing or empty', () => {
    const annotated = (value: string) => `${BUCKET}  annotations:\n    cnrm.cloud.google.com/project-id: ${value}\n`;
    const core = BUCKET.replace('storage.cnrm', 'core.cnrm');
    const output = set(itemsOf([BUCKET, annotated('""'), annotated('bar'), core, configMap('a')].join('---\n')));
    const ids = values(output).map((value) =>
      getIn(value, ['metadata', 'annotations', 'cnrm.cloud.google.com/project-id']),
    );
    expect(ids).toEqual(['foo', 'foo', 'bar', undefined, undefined]);
  });

  test('no project fails', () => {
    expect(run(setProjectId, [], {})).toMatchObject({ exitCode: 1 });
  });
});

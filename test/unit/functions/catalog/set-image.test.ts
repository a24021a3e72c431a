import { describe, expect, test } from '@jest/globals';
import { setImage } from '../../../../src/functions/catalog/set-image/function.ts';
import { getIn, type KrmMap } from '../../../../src/krm/value.ts';
import { itemsOf, messages, run, values } from './support.ts';

function imagesOf(text: string, config: KrmMap, path: readonly (string | number)[]) {
  return getIn(values(run(setImage, itemsOf(text), config))[0], path);
}

function pod(image: string): string {
  return `apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nspec:\n  containers:\n  - name: c\n    image: ${image}\n`;
}

const IMAGE = ['spec', 'containers', 0, 'image'];

describe('set-image', () => {
  test.each<[string, string, KrmMap, string]>([
    ['a new tag', 'nginx:1.0', { name: 'nginx', newTag: '2.0' }, 'nginx:2.0'],
    [
      'S-05: a new name keeps the tag',
      'web/app:1.2',
      { name: 'web/app', newName: 'mirror.test/web/app' },
      'mirror.test/web/app:1.2',
    ],
    ['a new name keeps tag and digest', 'a:1@sha256:0', { name: 'a', newName: 'b' }, 'b:1@sha256:0'],
    ['a digest takes the place of the tag', 'a:1', { name: 'a', digest: 'sha256:1' }, 'a@sha256:1'],
    ['a digest wins over a new tag', 'a', { name: 'a', newTag: '2', digest: 'sha256:1' }, 'a@sha256:1'],
    ['a new tag takes the place of the digest', 'a@sha256:1', { name: 'a', newTag: '2' }, 'a:2'],
    [
      'the port of a registry is no tag',
      'reg.test:5000/a',
      { name: 'reg.test:5000/a', newTag: '2' },
      'reg.test:5000/a:2',
    ],
    ['H 160: a dot is a dot', 'axb:1', { name: 'a.b', newTag: '2' }, 'axb:1'],
    ['a part of a name is another image', 'my/nginx:1', { name: 'nginx', newTag: '2' }, 'my/nginx:1'],
  ])('%s', (_, image, config, expected) => {
    expect(imagesOf(pod(image), config, IMAGE)).toBe(expected);
  });

  test.each([
    ['apps/v1', 'Deployment', ['spec', 'template', 'spec']],
    ['apps/v1', 'StatefulSet', ['spec', 'template', 'spec']],
    ['batch/v1', 'Job', ['spec', 'template', 'spec']],
    ['batch/v1', 'CronJob', ['spec', 'jobTemplate', 'spec', 'template', 'spec']],
    ['v1', 'PodTemplate', ['template', 'spec']],
  ])('S-05: %s %s: all kinds of containers', (apiVersion, kind, path) => {
    const containers = [{ name: 'c', image: 'web/app:1.2' }];
    const spec = { containers, initContainers: containers, ephemeralContainers: containers };
    const body = path.reduceRight<KrmMap>((inner, key) => ({ [key]: inner }), spec);
    const value = { apiVersion, kind, metadata: { name: 'a' }, ...body };
    const config = { name: 'web/app', newName: 'mirror.test/web/app' };
    const output = run(setImage, [{ value }], config);
    for (const list of ['containers', 'initContainers', 'ephemeralContainers']) {
      expect(getIn(output.items[0]?.value, [...path, list, 0, 'image'])).toBe('mirror.test/web/app:1.2');
    }
    expect(messages(output)).toEqual(['summary: updated a total of 3 image(s)']);
    expect(run(setImage, output.items, config).items[0]).toBe(output.items[0]);
  });

  test('S-05: a further field that overlaps with the known ones is changed once', () => {
    const config = {
      apiVersion: 'fn.kpt.dev/v1alpha1',
      kind: 'SetImage',
      image: { name: 'a', newTag: '2' },
      additionalImageFields: [
        { path: 'spec/containers[]/image', kind: 'Pod' },
        { path: 'spec/manifest/image', kind: 'Custom' },
      ],
    };
    const text = `${pod('a:1')}---\napiVersion: x.test/v1\nkind: Custom\nmetadata:\n  name: c\nspec:\n  manifest:\n    image: a\n`;
    const output = run(setImage, itemsOf(text), config);
    expect(getIn(values(output)[0], IMAGE)).toBe('a:2');
    expect(getIn(values(output)[1], ['spec', 'manifest', 'image'])).toBe('a:2');
    expect(messages(output)).toEqual(['summary: updated a total of 2 image(s)']);
  });

  test.each([
    ['H 160: a container without an image', 'spec:\n  containers:\n  - name: c\n'],
    ['an empty specification', 'spec:\n'],
    ['no specification', ''],
    ['containers that are no list', 'spec:\n  containers: many\n'],
  ])('%s is left alone', (_, body) => {
    const items = itemsOf(`apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n${body}`);
    const output = run(setImage, items, { name: 'a.b', newTag: '2' });
    expect(output).toMatchObject({ exitCode: 0, items });
    expect(output.items[0]).toBe(items[0]);
  });

  test('a kind of another group with the same name, and local configuration, are left alone', () => {
    const items = itemsOf(
      pod('a:1').replace('apiVersion: v1', 'apiVersion: x.test/v1') +
        '---\n' +
        pod('a:1').replace('name: p', 'name: p\n  annotations:\n    config.kubernetes.io/local-config: "true"'),
    );
    expect(run(setImage, items, { name: 'a', newTag: '2' }).items).toEqual(items);
  });

  test.each<[string, KrmMap, string]>([
    ['an unknown key', { name: 'a', tag: '1' }, 'ConfigMap has wrong field name tag'],
    ['no name', { newTag: '1' }, 'must specify `name`'],
    ['nothing new', { name: 'a' }, 'must specify one of `newName`, `newTag`, or `digest`'],
  ])('fails with %s', (_, config, message) => {
    const output = run(setImage, [], config);
    expect(output.exitCode).toBe(1);
    expect(messages(output)).toEqual([message]);
  });
});

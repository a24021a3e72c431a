import { describe, expect, test } from '@jest/globals';
import { createSetters } from '../../../../src/functions/catalog/create-setters/function.ts';
import { listSetters } from '../../../../src/functions/catalog/list-setters/function.ts';
import type { KrmMap } from '../../../../src/krm/value.ts';
import { itemsOf, messages, run } from './support.ts';

const HEAD = 'apiVersion: v1\nkind: A\nmetadata:\n  name: n\n';

describe('create-setters', () => {
  test.each<[string, KrmMap, string, string]>([
    ['a part of a value', { image: 'nginx' }, 'v: my-nginx:1\n', 'v: my-nginx:1 # kpt-set: my-${image}:1\n'],
    ['several setters', { image: 'nginx', tag: '1.7' }, 'v: nginx:1.7\n', 'v: nginx:1.7 # kpt-set: ${image}:${tag}\n'],
    ['the longer value is taken', { a: 'web', b: 'web-app' }, 'v: web-app\n', 'v: web-app # kpt-set: ${b}\n'],
    ['a number', { n: '3' }, 'v: 3\n', 'v: 3 # kpt-set: ${n}\n'],
    ['an old comment is replaced', { a: 'x' }, 'v: x # old\n', 'v: x # kpt-set: ${a}\n'],
    ['a list, in any order', { env: '[dev, stage]' }, 'v:\n- stage\n- dev\n', 'v: # kpt-set: ${env}\n- stage\n- dev\n'],
    ['a flow list', { env: '[dev, stage]' }, 'v: [dev, stage]\n', 'v: [dev, stage] # kpt-set: ${env}\n'],
    ['items of a list', { env: 'dev' }, 'v:\n- dev\n- x\n', 'v:\n- dev # kpt-set: ${env}\n- x\n'],
  ])('%s', (_, setters, body, expected) => {
    const items = itemsOf(HEAD + body);
    const output = run(createSetters, items, setters);
    expect(output.exitCode).toBe(0);
    expect(output.items[0]?.text?.()).toBe(HEAD + expected);
    expect(output.items[0]?.value).toBe(items[0]?.value);
  });

  test('results name comment, value and place', () => {
    const output = run(createSetters, itemsOf(`${HEAD}spec:\n  a:\n  - x: nginx\n  env:\n  - b\n  - a\n`), {
      env: '[a, b]',
      image: 'nginx',
    });
    expect(output.results).toEqual([
      {
        message: 'Added line comment "kpt-set: ${image}" for field with value "nginx"',
        field: { path: 'spec.a[0].x' },
        file: { path: 'a.yaml' },
      },
      {
        message: 'Added line comment "kpt-set: ${env}" for field with value "[a b]"',
        field: { path: 'spec.env' },
        file: { path: 'a.yaml' },
      },
    ]);
  });

  test('texts of several lines, items of flow lists and Kptfiles have no comments', () => {
    const kptfile = itemsOf(`apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: dev\n`, 'Kptfile');
    const items = [...itemsOf(`${HEAD}t: |\n  dev\n  x\nl: [dev, x]\n`), ...kptfile];
    const output = run(createSetters, items, { a: 'dev' });
    expect(messages(output)).toEqual(['failed to create setters: no matches for the input list of setters']);
    expect(output).toMatchObject({ exitCode: 1, items });
  });

  test.each<[KrmMap, string]>([
    [{}, 'config map cannot be empty'],
    [{ a: '' }, 'setter "a" has no value'],
  ])('%j fails', (config, message) => {
    const output = run(createSetters, itemsOf(HEAD), config);
    expect(output.exitCode).toBe(1);
    expect(messages(output)).toEqual([`failed to create setters: ${message}`]);
  });
});

describe('list-setters', () => {
  const KPTFILE = `apiVersion: kpt.dev/v1
kind: Kptfile
metadata:
  name: p
pipeline:
  mutators:
  - image: ghcr.io/kptdev/krm-functions-catalog/apply-setters:v0.2
    configMap:
      image: nginx
      unused: x
      envs: "[dev, stage]"
  - image: ghcr.io/kptdev/krm-functions-catalog/apply-setters:v0.2
    configPath: setters.yaml
`;

  test('setters of the Kptfile and of comments, with the number of fields', () => {
    const items = [
      ...itemsOf(KPTFILE, 'Kptfile'),
      ...itemsOf('apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: s\ndata:\n  tag: "1.7"\n', 'setters.yaml'),
      ...itemsOf(
        `${HEAD}a: nginx:1.7 # kpt-set: \${image}:\${tag}\nb: nginx # kpt-set: \${image}\nn: 3 # kpt-set: \${n}\nf: true # kpt-set: \${f}\nl: # kpt-set: \${envs}\n- stage\n- dev\nm: [z, a] # kpt-set: \${list}\n`,
      ),
    ];
    const output = run(listSetters, items);
    expect(output).toMatchObject({ exitCode: 0, items });
    expect(messages(output)).toEqual([
      'Name: envs, Value: [dev, stage], Type: array, Count: 1',
      'Name: f, Value: true, Type: bool, Count: 1',
      'Name: image, Value: nginx, Type: str, Count: 2',
      'Name: list, Value: [a, z], Type: array, Count: 1',
      'Name: n, Value: 3, Type: int, Count: 1',
      'Name: tag, Value: 1.7, Type: str, Count: 1',
      'Name: unused, Value: x, Type: str, Count: 0',
    ]);
  });

  test('none are told', () => {
    expect(run(listSetters, itemsOf(HEAD)).results).toEqual([{ message: 'no setters found', severity: 'warning' }]);
  });
});

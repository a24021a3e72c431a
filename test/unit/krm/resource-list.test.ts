import { describe, expect, test } from '@jest/globals';
import { parseResourceList, serializeResourceList } from '../../../src/krm/resource-list.ts';

describe('the wire format', () => {
  test('is written with its keys in order and comes back the same', () => {
    const list = {
      items: [{ apiVersion: 'v1', kind: 'A', metadata: { name: 'a' }, data: { on: 'yes', mode: 420 } }],
      functionConfig: { apiVersion: 'v1', kind: 'ConfigMap', data: { n: '3' } },
    };
    const text = serializeResourceList(list);
    expect(text).toBe(
      'apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n- apiVersion: v1\n  kind: A\n  metadata:\n    name: a\n  data:\n    "on": "yes"\n    mode: 420\nfunctionConfig:\n  apiVersion: v1\n  kind: ConfigMap\n  data:\n    "n": "3"\n',
    );
    expect(parseResourceList(text)).toEqual({ ...list, results: undefined });
  });

  test('an empty list of items stays a list', () => {
    expect(parseResourceList(serializeResourceList({ items: [] })).items).toEqual([]);
  });

  test.each([
    ['several documents', 'kind: A\n---\nkind: B\n', 2],
    ['a bare object', '{"kind": "A"}', 1],
    ['a List of any version', 'kind: List\nitems: [{kind: A}]\n', 1],
    ['a wrapper without items', 'kind: ResourceList\nfunctionConfig: {}\n', 0],
    ['a ResourceList resource without either', 'kind: ResourceList\n', 1],
  ])('%s is accepted', (_, text, count) => {
    expect(parseResourceList(text).items).toHaveLength(count);
  });

  test.each([
    ['nothing', ''],
    ['comments only', '# no\n'],
    ['a scalar', 'done\n'],
    ['a list', '- a\n'],
    ['items that are no maps', 'kind: ResourceList\nitems: [1]\n'],
    ['items that are no list', 'kind: ResourceList\nitems: {}\n'],
    ['broken YAML', 'kind: [\n'],
  ])('%s is an error', (_, text) => {
    expect(() => parseResourceList(text)).toThrow(expect.objectContaining({ reason: 'InvalidFunctionOutput' }));
  });

  test('results are read in both forms, with older field names', () => {
    const item = `message: m
severity: warning
resourceRef: {apiVersion: v1, kind: A, metadata: {name: a, namespace: b}}
field: {path: spec.x, currentValue: 1, suggestedValue: {y: 2}}
file: {path: f.yaml, index: 2}
tags: {id: 7}
`
      .replaceAll(/^/gm, '    ')
      .trim();
    const expected = [
      {
        message: 'm',
        severity: 'warning',
        resourceRef: { apiVersion: 'v1', kind: 'A', name: 'a', namespace: 'b' },
        field: { path: 'spec.x', currentValue: 1, proposedValue: { y: 2 } },
        file: { path: 'f.yaml', index: 2 },
        tags: { id: '7' },
      },
    ];
    const head = 'kind: ResourceList\nitems: []\nresults:\n';
    expect(parseResourceList(`${head}  - ${item}\n`).results).toEqual(expected);
    expect(parseResourceList(`${head}  name: fn\n  items:\n  - ${item}\n`).results).toEqual(expected);
  });
});

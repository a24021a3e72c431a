import { expect, test } from '@jest/globals';
import { readValue } from '../../../src/krm/fast-reader.ts';
import { parseResults } from '../../../src/krm/resource-list.ts';
import { getIn } from '../../../src/krm/value.ts';

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
  const results = (text: string) => parseResults(getIn(readValue(`results:\n${text}`), ['results']));
  expect(results(`  - ${item}\n`)).toEqual(expected);
  expect(results(`  name: fn\n  items:\n  - ${item}\n`)).toEqual(expected);
});

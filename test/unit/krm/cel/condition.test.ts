import { describe, expect, test } from '@jest/globals';
import { compileCondition, MAX_CONDITION_LENGTH } from '../../../../src/krm/cel/condition.ts';
import type { KrmMap } from '../../../../src/krm/value.ts';

const deployment: KrmMap = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: { replicas: 3, ratio: 1.5, revision: 9007199254740993n, note: null, ports: [80, 443] },
};

function holds(source: string, resources: readonly KrmMap[] = [deployment]): boolean {
  return compileCondition(source).holds(resources);
}

describe('a condition', () => {
  test.each([
    ["resources.exists(r, r.kind == 'Deployment')", true],
    ["resources.exists(r, r.kind == 'Service')", false],
    ['resources[0].spec.replicas + 1 == 4', true],
    ['resources[0].spec.ratio > 1.0', true],
    ['resources[0].spec.revision == 9007199254740993', true],
    ['resources[0].spec.note == null', true],
    ['443 in resources[0].spec.ports', true],
    ['has(resources[0].spec.missing)', false],
    ["resources.filter(r, r.kind == 'Deployment').map(r, r.metadata.name) == ['web']", true],
    ["resources[0].metadata.name.matches('^w.b$')", true],
    ["resources[0].metadata.name.upperAscii() == 'WEB'", true],
    ["resources[0].metadata.namespace == ''", true],
    ['resources.size() == 0', false],
  ])('%s is %s', (source, expected) => {
    expect(holds(source)).toBe(expected);
  });

  test('sees fields that are compared often in every resource', () => {
    expect(holds("resources.all(r, r.apiVersion + r.kind + r.metadata.name + r.metadata.namespace == '')", [{}])).toBe(
      true,
    );
  });

  test.each([
    ['1 + 1', 'boolean'],
    ['resources.map(', 'end of input'],
    ['resources[0].spec.missing == 1', 'missing'],
    ['nothing == 1', 'no variable nothing'],
    ['unknown(1)', 'no function unknown'],
    [`${'('.repeat(2000)}true${')'.repeat(2000)}`, 'stack'],
    [`true${' '.repeat(MAX_CONDITION_LENGTH)}`, 'limit'],
  ])('%.40s is refused', (source, word) => {
    const message = expect.stringContaining(word);
    expect(() => holds(source)).toThrow(expect.objectContaining({ reason: 'InvalidCondition', message }));
  });

  test.each([
    'resources.all(a, resources.all(b, resources.all(c, true)))',
    'resources.all(a, resources.all(b, resources.all(c, true))) || true',
    'resources.map(a, resources.map(b, resources.map(c, 1))).size() > 0',
    'resources.exists(a, resources.exists(b, resources.exists(c, c.nothing)))',
  ])('%s costs too much for 30 resources', (source) => {
    const many = Array.from({ length: 30 }, () => deployment);
    const message = expect.stringContaining('costs more');
    const condition = compileCondition(source, 10_000);
    expect(() => condition.holds(many)).toThrow(expect.objectContaining({ reason: 'InvalidCondition', message }));
  });

  test('a list of thousands can be filtered and looked through', () => {
    const many = Array.from({ length: 2000 }, () => deployment);
    expect(holds("resources.filter(r, r.kind == 'Deployment').exists(r, r.metadata.name == 'db')", many)).toBe(false);
  });
});

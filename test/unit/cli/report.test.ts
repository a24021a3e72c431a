import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import type { PackageVariant } from '../../../src/api/kinds.ts';
import { displayPath, formatReport, isAllReady, oneLine, type RunReport } from '../../../src/cli/report.ts';

function variant(name: string, status: 'True' | 'False', message: string, phase = 'Published'): PackageVariant {
  const condition = { type: 'Ready', status, reason: 'Why', message, observedGeneration: 2, lastTransitionTime: '' };
  return {
    apiVersion: 'config.porch.kpt.dev/v1alpha1',
    kind: 'PackageVariant',
    metadata: { name, namespace: 'default', generation: 2 },
    spec: { upstream: { repo: 'b', package: 'web' }, downstream: { repo: 'd', package: name } },
    status: {
      phase,
      conditions: [condition],
      downstreamTargets: [{ name: 'd.x.v1', workspaceName: 'v1', revision: 3, rendered: true }],
    },
  } as PackageVariant;
}

const report = (parts: Partial<RunReport>): RunReport => ({
  repositories: [],
  variantSets: [],
  variants: [],
  revisions: [],
  errors: [],
  warnings: [],
  ...parts,
});

const PLAIN = { cwd: '/here', colour: false };

describe('all is Ready', () => {
  const good = variant('a', 'True', '');
  test.each([
    ['nothing at all', report({}), true],
    ['a Ready variant', report({ variants: [good] }), true],
    ['a variant that is not', report({ variants: [good, variant('b', 'False', '')] }), false],
    ['a fault in a manifest', report({ variants: [good], errors: [{ reason: 'r', message: 'm' }] }), false],
    ['an object nobody has looked at', report({ variants: [{ ...good, status: {} }] }), false],
    [
      'Ready before its spec changed',
      report({ variants: [{ ...good, metadata: { ...good.metadata, generation: 3 } }] }),
      false,
    ],
  ])('%s', (_what, input, expected) => {
    expect(isAllReady(input)).toBe(expected);
  });
});

describe('the table', () => {
  test('has one line for each variant, with what it was made from and what came out', () => {
    const text = formatReport(report({ variants: [variant('a', 'False', 'two\nlines\u001b[2J')] }), 'table', PLAIN);
    expect(text.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['VARIANT', 'UPSTREAM', 'DOWNSTREAM', 'PHASE', 'REVISION', 'RENDERED', 'MESSAGE'],
      ['a', 'b/web@latest', 'd/a', 'Published', '3', 'yes', 'Why: two lines [2J'],
      [''],
    ]);
  });

  test('cuts messages to the width of a terminal, and nowhere else', () => {
    const long = report({ variants: [variant('a', 'False', 'x'.repeat(300))] });
    expect(formatReport(long, 'table', PLAIN)).toContain('x'.repeat(300));
    const lines = formatReport(long, 'table', { ...PLAIN, width: 120 }).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBe(120);
    expect(lines[1]).toMatch(/x…$/);
  });

  test('colours the phase and keeps the columns', () => {
    const two = report({ variants: [variant('a', 'True', 'm'), variant('b', 'False', 'm', 'Blocked')] });
    const coloured = formatReport(two, 'table', { ...PLAIN, colour: true });
    expect(coloured).toContain('\u001b[32mPublished\u001b[0m');
    expect(coloured).toContain('\u001b[31mBlocked  \u001b[0m');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is removed
    expect(coloured.replaceAll(/\u001b\[\d+m/g, '')).toBe(formatReport(two, 'table', PLAIN));
  });

  test('begins with faults of manifests, at their places', () => {
    const fault = {
      reason: 'r',
      message: 'is wrong',
      file: '/here/m/a.yaml',
      line: 7,
      object: 'X default/x',
      field: 'spec.a',
    };
    expect(formatReport(report({ errors: [fault] }), 'table', PLAIN)).toBe(
      'MANIFEST    OBJECT       FIELD   MESSAGE\nm/a.yaml:7  X default/x  spec.a  is wrong\n',
    );
  });
});

describe('data formats', () => {
  test('hold objects, faults and warnings, and are the same in JSON and YAML', () => {
    const all = report({
      variants: [variant('a', 'True', 'fine')],
      errors: [{ reason: 'r', message: 'm', file: '/here/a.yaml', line: 1 }],
      warnings: [{ object: 'X a/b', reason: 'r', message: 'm' }],
    });
    const json = JSON.parse(formatReport(all, 'json', PLAIN));
    expect(json).toMatchObject({ kind: 'RunReport', ready: false, errors: all.errors, warnings: all.warnings });
    expect(json.items).toHaveLength(1);
    expect(parse(formatReport(all, 'yaml', PLAIN))).toEqual(json);
  });

  test('hide what looks like a secret wherever it stands', () => {
    const leaky = report({ variants: [variant('a', 'False', 'cannot reach https://user:hunter2@git.invalid/x')] });
    for (const format of ['table', 'json', 'yaml'] as const) {
      expect(formatReport(leaky, format, PLAIN)).not.toContain('hunter2');
      expect(formatReport(leaky, format, PLAIN)).toContain('git.invalid/x');
    }
  });
});

test('text of others becomes one line without control characters', () => {
  expect(oneLine('a\r\n\tb\u0000\u009bc')).toBe('a b c');
});

test.each([
  ['/here/a.yaml', 'a.yaml'],
  ['/elsewhere/a.yaml', '/elsewhere/a.yaml'],
])('%s is shown as %s', (file, shown) => {
  expect(displayPath(file, '/here')).toBe(shown);
});

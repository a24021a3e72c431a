import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { describeDiagnostics, validateManifest } from '../../../src/api/validate.ts';
import { bad, ends, good, pv } from './manifest-cases.ts';

function report(manifest: object, old?: object): string[] {
  return validateManifest(manifest, old).map(({ field, message }) => `${field}: ${message}`);
}

describe('good manifests', () => {
  test.each(good)('$name', ({ manifest, old }) => {
    expect(report(manifest, old)).toEqual([]);
  });
});

describe('bad manifests are reported with field and reason, in the order of the schema', () => {
  test.each(bad)('$name', ({ manifest, old, expected }) => {
    expect(report(manifest, old)).toEqual(expected);
  });
});

test('every rule of the CRDs is one that is checked without a cluster as well', () => {
  const folder = join(import.meta.dirname, '../../../crds');
  const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
  const messages = files.flatMap((file) =>
    ruleMessages(parse(readFileSync(join(folder, file), 'utf8')).spec.versions[0].schema.openAPIV3Schema),
  );
  const checked = new Set(bad.flatMap(({ expected }) => expected.map((line) => line.slice(line.indexOf(': ') + 2))));

  expect([...new Set(messages)].filter((message) => !checked.has(message))).toEqual([]);
});

test('secrets in a manifest are not in what is reported about it', () => {
  const all = bad.map(({ manifest, old }) => describeDiagnostics(validateManifest(manifest, old))).join('\n');
  expect(all).not.toContain('s3cr3t');
});

test('diagnostics read as one line', () => {
  const diagnostics = validateManifest(pv({ ...ends, upstream: {} }));
  expect(describeDiagnostics(diagnostics)).toBe('spec.upstream.repo: is required; spec.upstream.package: is required');
});

function ruleMessages(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) =>
    key === 'x-kubernetes-validations'
      ? value.map((rule: { readonly message: string }) => rule.message)
      : ruleMessages(value),
  );
}

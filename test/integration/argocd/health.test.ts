import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { ALL_KINDS } from '../../../src/api/kinds.ts';
import type { KubeObject } from '../../../src/api/object.ts';
import { CUSTOMIZATIONS, disagreements, verdictsOn } from './agreement.ts';
import { hasLua, runHealthCheck } from './lua.ts';

interface HealthTest {
  readonly healthStatus: { readonly status: string; readonly message: string };
  readonly inputPath: string;
}

const checks = readdirSync(CUSTOMIZATIONS).flatMap((group) =>
  readdirSync(join(CUSTOMIZATIONS, group)).map((kind) => ({ group, kind })),
);

function read(group: string, kind: string, file: string): string {
  return readFileSync(join(CUSTOMIZATIONS, group, kind, file), 'utf8');
}

function testsOf(group: string, kind: string): readonly HealthTest[] {
  return (parse(read(group, kind, 'health_test.yaml')) as { readonly tests: readonly HealthTest[] }).tests;
}

const withLua = hasLua() ? describe : describe.skip;
if (!hasLua()) process.stderr.write('THE TESTS OF ARGO CD HEALTH CHECKS ARE PASSED OVER: there is no lua5.1\n');

test('each of our kinds has a health check', () => {
  const kinds = ALL_KINDS.map(({ apiVersion, kind }) => `${apiVersion.split('/')[0]}/${kind}`);
  expect(checks.map(({ group, kind }) => `${group}/${kind}`).sort()).toEqual(kinds.sort());
});

withLua.each(checks)('A-06: the health check of $kind', ({ group, kind }) => {
  const script = read(group, kind, 'health.lua');
  const tests = testsOf(group, kind);

  test('has eight samples', () => {
    const files = readdirSync(join(CUSTOMIZATIONS, group, kind, 'testdata')).map((file) => `testdata/${file}`);
    expect(tests.map(({ inputPath }) => inputPath).sort()).toEqual(files.sort());
    expect(files).toHaveLength(8);
  });

  test.each(tests)('says $healthStatus.status of $inputPath', ({ healthStatus, inputPath }) => {
    expect(runHealthCheck(script, parse(read(group, kind, inputPath)))).toEqual(healthStatus);
  });

  test('says of an object without a status that it waits', () => {
    const { status } = runHealthCheck(script, { kind, metadata: { name: 'x', generation: 1 }, spec: {} });
    expect(status).toBe('Progressing');
  });

  test('agrees with kstatus', async () => {
    const objects = tests.map(({ inputPath }) => parse(read(group, kind, inputPath)) as KubeObject);
    expect(disagreements(await verdictsOn(objects))).toEqual([]);
  });
});

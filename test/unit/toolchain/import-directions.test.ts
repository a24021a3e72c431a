import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '../../..');

/** A source tree in which each file breaks, or keeps, one rule. */
const FILES: { readonly [path: string]: string } = {
  'src/krm/value.ts': 'export const value = 1;\n',
  'src/task/handler.ts': "export { value } from '../krm/value.ts';\n",
  'src/kube/queue.ts': "export { value } from '../krm/value.ts';\n",
  'src/krm/imports-upwards.ts': "export { value } from '../task/handler.ts';\n",
  'src/merge/imports-a-type-upwards.ts': "export type { value } from '../kube/queue.ts';\n",
  'src/task/runs-a-process.ts': "export { execFile } from 'node:child_process';\n",
  'src/render/speaks-http.ts': "export { request } from 'node:http';\n",
  'src/package/reads-git.ts': "export * from 'isomorphic-git';\n",
  'src/api/circle-a.ts': "export * from './circle-b.ts';\n",
  'src/api/circle-b.ts': "export * from './circle-a.ts';\n",
};

interface Violation {
  readonly from: string;
  readonly rule: { readonly name: string };
}

let folder = '';
let violations: readonly Violation[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'veranda-imports-'));
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  writeFileSync(join(folder, 'package.json'), '{"dependencies":{"isomorphic-git":"*"}}');
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  violations = cruise();
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function cruise(): readonly Violation[] {
  const command = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
  const config = join(root, '.dependency-cruiser.cjs');
  const answer = execFileSync(
    process.execPath,
    [command, '--config', config, '--output-type', 'json', '--no-cache', 'src'],
    { cwd: folder, encoding: 'utf8' },
  );
  return JSON.parse(answer).summary.violations;
}

function rulesBrokenBy(path: string): string[] {
  return [...new Set(violations.filter(({ from }) => from === path).map(({ rule }) => rule.name))];
}

test.each([
  ['src/krm/imports-upwards.ts', 'krm-imports-downwards'],
  ['src/merge/imports-a-type-upwards.ts', 'merge-imports-downwards'],
  ['src/task/runs-a-process.ts', 'core-knows-no-clients'],
  ['src/render/speaks-http.ts', 'core-knows-no-clients'],
  ['src/package/reads-git.ts', 'core-knows-no-clients'],
  ['src/api/circle-a.ts', 'no-circular'],
])('%s is found by the rule %s', (path, rule) => {
  expect(rulesBrokenBy(path)).toEqual([rule]);
});

test.each(['src/krm/value.ts', 'src/task/handler.ts', 'src/kube/queue.ts'])('%s breaks no rule', (path) => {
  expect(rulesBrokenBy(path)).toEqual([]);
});

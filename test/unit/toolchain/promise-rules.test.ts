import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '../../..');

/** Each function breaks one rule; `work` and `Kind` are what they need. */
const CODE = `
declare function work(): Promise<string>;
type Kind = 'a' | 'b';
export function floating(): void { work(); }
export function misused(): boolean { if (work()) return true; return false; }
export async function returned(): Promise<string> { try { return work(); } catch { return ''; } }
export async function nothing(): Promise<void> { await 'text'; }
export function incomplete(kind: Kind): string { switch (kind) { case 'a': return 'a'; } return ''; }
`;

test('lint finds promises that nobody waits for, and switches that forget a case', () => {
  const { stdout } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/eslint/bin/eslint.js'), '--format', 'json', '--stdin', '--stdin-filename', 'src/main.ts'],
    { cwd: root, input: CODE, encoding: 'utf8' },
  );

  const [{ messages }]: [{ messages: { ruleId: string; line: number }[] }] = JSON.parse(stdout);
  expect(messages.map(({ ruleId, line }) => `${line} ${ruleId.split('/')[1]}`)).toEqual([
    '4 no-floating-promises',
    '5 no-misused-promises',
    '6 return-await',
    '7 await-thenable',
    '8 switch-exhaustiveness-check',
  ]);
});

import { spawnSync } from 'node:child_process';

/** The interpreter whose language Argo CD's own speaks (Lua 5.1). */
const PROGRAM = 'lua5.1';

export function hasLua(): boolean {
  return spawnSync(PROGRAM, ['-v']).error === undefined;
}

export interface ArgoHealth {
  readonly status: string;
  readonly message: string;
}

/** What a health check of Argo CD makes of an object. @throws Error with what the interpreter says */
export function runHealthCheck(script: string, object: unknown): ArgoHealth {
  const program = `obj = ${lua(object)}
local check = function()
${script}
end
local health = check()
io.write(health.status, "\\n", health.message)`;
  const { status, stdout, stderr, error } = spawnSync(PROGRAM, ['-'], { input: program, encoding: 'utf8' });
  if (error) throw error;
  if (status !== 0) throw new Error(stderr);
  const [health = '', ...message] = stdout.split('\n');
  return { status: health, message: message.join('\n') };
}

/** A JSON value as a Lua expression; null is absent, as Argo CD hands it over. */
function lua(value: unknown): string {
  if (value === null || value === undefined) return 'nil';
  if (Array.isArray(value)) return `{${value.map(lua).join(', ')}}`;
  if (typeof value === 'object') {
    return `{${Object.entries(value)
      .map(([key, item]) => `[${text(key)}] = ${lua(item)}`)
      .join(', ')}}`;
  }
  return typeof value === 'string' ? text(value) : String(value);
}

/** Bytes by their decimal escapes: whatever the text holds, it stays text. */
function text(value: string): string {
  return `"${[...Buffer.from(value)].map((byte) => `\\${String(byte).padStart(3, '0')}`).join('')}"`;
}

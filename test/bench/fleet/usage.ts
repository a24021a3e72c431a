import { readFile } from 'node:fs/promises';
import type { AuditEvent } from '../../env/cluster/audit-log.ts';
import type { GitRequestKind, GitServer } from '../../env/git/git-server.ts';

/** Kernel clock ticks a second, in which /proc counts CPU time. */
const TICKS = 100;

/** User and system time of a process and of its children that have ended, in seconds. */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS;
}

/** Highest resident set that a process has had, in MB. */
export async function peakRssMB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return (Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024) / 1e6;
}

export type GitRequests = Readonly<Record<GitRequestKind, number>>;

export function gitRequests({ requests }: Pick<GitServer, 'requests'>): GitRequests {
  return { ...requests };
}

/** Numbers of requests by `<verb> <resource>[/<subresource>]`, with the code of those that failed. */
export type ApiCalls = ReadonlyMap<string, number>;

/** @param events of the operator */
export function callsOf(events: readonly AuditEvent[]): ApiCalls {
  const calls = new Map<string, number>();
  for (const event of events) {
    const name = callName(event);
    calls.set(name, (calls.get(name) ?? 0) + 1);
  }
  return calls;
}

function callName({ verb, objectRef, responseStatus }: AuditEvent): string {
  const { resource = '-', subresource } = objectRef ?? {};
  const { code = 0 } = responseStatus ?? {};
  const failed = code >= 400 ? ` ${code}` : '';
  return `${verb} ${resource}${subresource === undefined ? '' : `/${subresource}`}${failed}`;
}

const WRITES = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

/** Writes to objects other than Leases and Events, those that were refused among them. */
export function writesOf(calls: ApiCalls): number {
  const counted = [...calls].filter(([name]) => {
    const [verb = '', resource = ''] = name.split(' ');
    return WRITES.has(verb) && !['leases', 'events'].includes(resource);
  });
  return counted.reduce((sum, [, count]) => sum + count, 0);
}

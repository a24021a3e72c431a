import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeObject } from '../../../src/api/object.ts';
import { type KStatus, kstatus } from '../../env/kstatus/kstatus.ts';
import { runHealthCheck } from './lua.ts';

export const CUSTOMIZATIONS = join(import.meta.dirname, '../../../config/argocd/resource_customizations');

/** What an object of this health may be for kstatus. */
const AGREES: Readonly<Record<string, readonly KStatus[]>> = {
  Healthy: ['Current'],
  Suspended: ['Current'],
  Progressing: ['InProgress', 'Terminating'],
  Degraded: ['Failed'],
};

export interface Verdict {
  readonly object: KubeObject;
  /** Of Argo CD. */
  readonly health: string;
  readonly kstatus: KStatus | undefined;
}

/** What Argo CD's health checks and kstatus make of objects of our kinds, which differ in kind or name. */
export async function verdictsOn(objects: readonly KubeObject[]): Promise<readonly Verdict[]> {
  const byKind = [...Map.groupBy(objects, ({ apiVersion, kind }) => `${apiVersion.split('/')[0]}/${kind}`)];
  const verdicts = byKind.map(async ([kind, same]) => {
    const script = readFileSync(join(CUSTOMIZATIONS, kind, 'health.lua'), 'utf8');
    const seen = await kstatus(same);
    return same.map((object) => {
      const { namespace, name } = object.metadata;
      return { object, health: runHealthCheck(script, object).status, kstatus: seen.get(`${namespace}/${name}`) };
    });
  });
  return (await Promise.all(verdicts)).flat();
}

/** Those on which the two do not agree. */
export function disagreements(verdicts: readonly Verdict[]): readonly string[] {
  return verdicts
    .filter(({ health, kstatus: seen }) => seen === undefined || !AGREES[health]?.includes(seen))
    .map(({ object, health, kstatus: seen }) => `${object.kind} ${object.metadata.name}: ${health}, ${seen}`);
}

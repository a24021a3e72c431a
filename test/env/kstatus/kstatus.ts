import { spawnSync } from 'node:child_process';
import { buildGoProgram } from '../images/go-program.ts';

/** What Flux, kpt and Config Sync make of an object (sigs.k8s.io/cli-utils, pkg/kstatus). */
export type KStatus = 'Current' | 'InProgress' | 'Failed' | 'Terminating' | 'NotFound' | 'Unknown';

/** The status of each object, by `<namespace>/<name>`. */
export async function kstatus(objects: readonly object[]): Promise<ReadonlyMap<string, KStatus>> {
  const program = await buildGoProgram({ name: 'kstatus', module: import.meta.dirname, package: '.' });
  const { status, stdout, stderr } = spawnSync(program, [], {
    input: JSON.stringify({ items: objects }),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(stderr);
  const lines = stdout.split('\n').filter((line) => line !== '');
  return new Map(lines.map((line) => line.split(' ', 2) as [string, KStatus]));
}

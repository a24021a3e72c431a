import { randomBytes, randomInt } from 'node:crypto';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Service, startService } from '../service.ts';
import { cgroupRoots, recordSandbox, removeLeftovers, removeTraces, SANDBOX_PREFIX } from './leftovers.ts';

/** What servers that run containers need of this machine, under names that nobody else uses. */
export interface SandboxLayout {
  /** Six hexadecimal digits that its names end in. */
  readonly suffix: string;
  /** Holds all files. */
  readonly directory: string;
  /** Name of the network bridge of the containers. */
  readonly bridge: string;
  /** First three numbers of the network of the containers, such as `10.213.7`. */
  readonly network: string;
  /** Name of the cgroup above those of the containers. */
  readonly cgroup: string;
}

/**
 * Reserves the names; removes what sandboxes of killed tests have left.
 * @throws Error when this user may not run containers
 */
export async function makeSandbox(): Promise<SandboxLayout> {
  if (process.getuid?.() !== 0) throw new Error('tests with containers need root: run them as root');
  await removeLeftovers();
  const suffix = randomBytes(3).toString('hex');
  const layout = {
    suffix,
    directory: await mkdtemp(join(tmpdir(), SANDBOX_PREFIX)),
    bridge: `veranda-${suffix}`,
    network: freeNetwork(),
    cgroup: `veranda-${suffix}`,
  };
  await recordSandbox(layout);
  // The kubelet wants it to be there.
  for (const root of await cgroupRoots()) await mkdir(join(root, layout.cgroup), { recursive: true });
  return layout;
}

/**
 * Starts a program with process numbers and mounts of its own. It ends with this process, and all that it started ends
 * with it. Its output is in the file `log` of the sandbox.
 * @param fixedFolders absolute paths that get a folder of the sandbox in their place
 */
export async function startInSandbox(
  name: string,
  layout: SandboxLayout,
  command: readonly string[],
  fixedFolders: readonly string[],
): Promise<Service> {
  const apart = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--'];
  const init = [join(import.meta.dirname, 'init.sh'), layout.directory, fixedFolders.join(' ')];
  const service = await startService(name, [...apart, ...init, ...command], {
    logFile: join(layout.directory, 'log'),
    env: { PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  });
  await recordSandbox(layout, service.pid);
  return service;
}

/** Ends the processes, which have nothing to save, and removes the rest. */
export async function removeSandbox(layout: SandboxLayout, service: Service | undefined): Promise<void> {
  await service?.stop(0);
  await removeTraces(layout);
}

function freeNetwork(): string {
  const used = Object.values(networkInterfaces()).flatMap(
    (addresses) => addresses?.map(({ address }) => address) ?? [],
  );
  for (;;) {
    const network = `10.${randomInt(200, 255)}.${randomInt(256)}`;
    if (!used.some((address) => address.startsWith(`${network}.`))) return network;
  }
}

import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buildGoProgram } from '../images/go-program.ts';

export interface NodeBinaries {
  readonly kubelet: string;
  readonly kubectl: string;
  /** Folder with containerd, its shim and ctr. */
  readonly containerd: string;
}

const GO = join(import.meta.dirname, '../go');
const KUBERNETES = 'k8s.io/kubernetes';
const CONTAINERD = 'github.com/containerd/containerd/v2';

/** Builds what is not in the cache, which takes two minutes and more. */
export async function nodeBinaries(): Promise<NodeBinaries> {
  const kubelet = await kubernetesProgram('kubelet');
  const kubectl = await kubernetesProgram('kubectl');
  await containerdProgram('ctr');
  await containerdProgram('containerd-shim-runc-v2');
  return { kubelet, kubectl, containerd: dirname(await containerdProgram('containerd')) };
}

export async function kubernetesProgram(name: string): Promise<string> {
  const module = join(GO, 'kubernetes');
  const version = await requiredVersion(module, KUBERNETES);
  const [major = '', minor = ''] = version.slice(1).split('.');
  const facts = { gitVersion: version, gitMajor: major, gitMinor: minor };
  const ldflags = Object.entries(facts).map(([key, value]) => `-X k8s.io/component-base/version.${key}=${value}`);
  const folder = `kubernetes-${version}`;
  return await buildGoProgram({
    name,
    module,
    package: `${KUBERNETES}/cmd/${name}`,
    folder,
    ldflags: ldflags.join(' '),
  });
}

async function containerdProgram(name: string): Promise<string> {
  const module = join(GO, 'containerd');
  const folder = `containerd-${await requiredVersion(module, CONTAINERD)}`;
  const tags = 'no_btrfs no_devmapper no_zfs';
  return await buildGoProgram({ name, module, package: `${CONTAINERD}/cmd/${name}`, folder, tags });
}

async function requiredVersion(module: string, path: string): Promise<string> {
  const version = (await readFile(join(module, 'go.mod'), 'utf8')).split(`${path} v`)[1]?.split(/\s/)[0];
  if (version === undefined) throw new Error(`${module}/go.mod does not require ${path}`);
  return `v${version}`;
}

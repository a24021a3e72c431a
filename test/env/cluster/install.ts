import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { kubectl } from './kubectl.ts';

const ROOT = join(import.meta.dirname, '../../..');

/** The CRDs, served. */
export async function installApi(kubeconfig: string): Promise<void> {
  await kubectl(kubeconfig, ['apply', '--server-side', '-f', join(ROOT, 'crds')]);
  await kubectl(kubeconfig, ['wait', '--for=condition=Established', '--timeout=60s', '-f', join(ROOT, 'crds')]);
}

/** One of the folders of `config/` that kustomize builds. */
export async function installConfig(kubeconfig: string, folder: string): Promise<void> {
  const path = join(ROOT, 'config', folder);
  if (!existsSync(path)) throw new Error(`there is no ${path}`);
  await kubectl(kubeconfig, ['apply', '--server-side', '-k', path]);
}

import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';

export interface KubeconfigFile {
  readonly clusters: { readonly cluster: Readonly<Record<string, string>> }[];
  readonly users: { readonly user: Readonly<Record<string, string>> }[];
}

/** The first cluster and the first user of a kubeconfig. */
export async function readKubeconfig(kubeconfig: string) {
  const file = parse(await readFile(kubeconfig, 'utf8')) as KubeconfigFile;
  const { cluster = {} } = file.clusters[0] ?? {};
  const { user = {} } = file.users[0] ?? {};
  if (cluster.server === undefined) throw new Error(`${kubeconfig} has no cluster`);
  const [ca, cert, key] = [
    await pem(cluster, 'certificate-authority'),
    await pem(user, 'client-certificate'),
    await pem(user, 'client-key'),
  ];
  return { file, server: cluster.server, ca, cert, key };
}

/** The data of an entry of a kubeconfig, which stands in it or in a file that it names. */
async function pem(entry: Readonly<Record<string, string>>, name: string): Promise<string | undefined> {
  const data = entry[`${name}-data`];
  if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8');
  const file = entry[name];
  return file === undefined ? undefined : await readFile(file, 'utf8');
}

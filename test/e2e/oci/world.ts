import { join } from 'node:path';
import { PACKAGE_REVISION, type PackageRevision, REPOSITORY, type Repository } from '../../../src/api/kinds.ts';
import type { KubeObject } from '../../../src/api/object.ts';
import type { BareRepository } from '../../env/git/bare-repository.ts';
import type { Registry } from '../../env/registry/registry.ts';
import { FLUX, gzipLayer, pushLayers } from '../../integration/registry/support.ts';
import { conditionOf, isReady, type TestNamespace } from '../support/cluster.ts';

type Source = NonNullable<PackageRevision['spec']['source']>;

/** The Secret with which the packages of a registry are fetched, in the namespace of the revisions. */
export const PULL_SECRET = 'pull';

/** What of a package differs between its tags. */
export interface Content {
  readonly data: Readonly<Record<string, string>>;
  readonly more?: Readonly<Record<string, string>>;
}

/** Makes a package of one ConfigMap, and pushes it as Flux does. Returns its digest. */
export async function pushPackage(registry: Registry, name: string, tag: string, content: Content): Promise<string> {
  return await pushLayers(registry, name, tag, [await gzipLayer(filesOf(content), FLUX)]);
}

export function filesOf({ data, more = {} }: Content): Record<string, string> {
  const values = Object.entries(data).map(([key, value]) => `  ${key}: ${JSON.stringify(value)}\n`);
  return {
    Kptfile: 'apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: blueprint\n',
    'config.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: config\ndata:\n${values.join('')}`,
    ...more,
  };
}

/** `kubernetes.io/dockerconfigjson` for the registry's user, or for another password. */
export function pullSecret(registry: Registry, password = registry.credentials?.password ?? ''): KubeObject {
  const auth = Buffer.from(`${registry.credentials?.user}:${password}`).toString('base64');
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/dockerconfigjson',
    metadata: { name: PULL_SECRET },
    stringData: {
      '.dockerconfigjson': JSON.stringify({ auths: { [registry.host]: { auth } } }),
      ...(registry.ca && { 'ca.crt': registry.ca }),
    },
  } as KubeObject;
}

export function cloneOf(image: string): Source {
  return { cloneFrom: { type: 'oci', oci: { image, secretRef: { name: PULL_SECRET } } } };
}

export function upgradeOf(current: string, image: string): Source {
  return { upgrade: { currentPackage: { name: current }, oci: { image, secretRef: { name: PULL_SECRET } } } };
}

export function repository(name: string, spec: Repository['spec']): Repository {
  const { apiVersion, kind } = REPOSITORY;
  return { apiVersion, kind, metadata: { name }, spec };
}

/** Package revisions of one repository, and what became of them. */
export class Revisions {
  readonly #namespace: TestNamespace;
  readonly #repository: string;
  readonly #remote: BareRepository;

  constructor(namespace: TestNamespace, repository: string, remote: BareRepository) {
    this.#namespace = namespace;
    this.#repository = repository;
    this.#remote = remote;
  }

  /** Returns its name. */
  async make(packageName: string, workspaceName: string, source: Source): Promise<string> {
    const { apiVersion, kind } = PACKAGE_REVISION;
    const name = `${this.#repository}.${packageName}.${workspaceName}`;
    const spec = { repository: this.#repository, packageName, workspaceName, lifecycle: 'Draft', source } as const;
    await this.#namespace.apply({ apiVersion, kind, metadata: { name }, spec } as PackageRevision);
    return name;
  }

  async ready(name: string, lifecycle = 'Draft'): Promise<PackageRevision> {
    return await this.#until(
      name,
      lifecycle,
      (revision) => isReady(revision) && revision.status?.observedLifecycle === lifecycle,
    );
  }

  /** Returns the message. */
  async failed(name: string, reason: string): Promise<string> {
    const revision = await this.#until(name, reason, (found) => {
      const ready = conditionOf(found, 'Ready');
      return ready?.status === 'False' && ready.reason === reason;
    });
    return conditionOf(revision, 'Ready')?.message ?? '';
  }

  async publish(name: string): Promise<void> {
    for (const lifecycle of ['Proposed', 'Published']) {
      await this.#namespace.patch(PACKAGE_REVISION, name, { spec: { lifecycle } });
      await this.ready(name, lifecycle);
    }
  }

  /** A file of a package's draft. */
  async show(packageName: string, workspace: string, path: string): Promise<string> {
    return await this.#remote.git('show', `drafts/${packageName}/${workspace}:${packageName}/${path}`);
  }

  /** A person's commit on a draft: some text of a file is another one. */
  async editByHand(packageName: string, workspace: string, path: string, from: string, to: string): Promise<void> {
    const branch = `drafts/${packageName}/${workspace}`;
    const paths = (await this.#remote.git('ls-tree', '-r', '--name-only', branch)).split('\n');
    const files: Record<string, string> = {};
    for (const each of paths) files[each] = `${await this.#remote.git('show', `${branch}:${each}`)}\n`;
    const edited = join(packageName, path);
    files[edited] = String(files[edited]).replace(from, to);
    await this.#remote.commit(branch, files, 'by hand');
  }

  async #until(name: string, what: string, wanted: (revision: PackageRevision) => boolean): Promise<PackageRevision> {
    const isIt = (revision: PackageRevision) => revision.metadata.name === name && wanted(revision);
    const all = await this.#namespace.until(`${name} ${what}`, PACKAGE_REVISION, (found) => found.some(isIt));
    return all.find(isIt) as PackageRevision;
  }
}

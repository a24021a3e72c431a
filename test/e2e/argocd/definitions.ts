import type { KubeObject } from '../../../src/api/object.ts';
import { kubectl } from '../../env/cluster/kubectl.ts';

/** Kinds of objects that a cluster does not serve. */
export interface MissingKinds {
  /** Definitions that take whatever comes. */
  readonly definitions: readonly KubeObject[];
  /** Old versions of Kubernetes' own kinds, which nobody can define, as `<apiVersion> <kind>`. */
  readonly outdated: ReadonlySet<string>;
}

export function kindOf({ apiVersion, kind }: KubeObject): string {
  return `${apiVersion} ${kind}`;
}

export async function missingKinds(kubeconfig: string, objects: readonly KubeObject[]): Promise<MissingKinds> {
  const served = await servedKinds(kubeconfig);
  const missing = objects.filter((object) => !served.has(kindOf(object)));
  const definable = missing.filter((object) => !isKubernetesOwn(object));
  const byKind = Map.groupBy(definable, ({ apiVersion, kind }) => `${apiVersion.split('/')[0]} ${kind}`);
  return {
    definitions: [...byKind.values()].map((same) => definition(same)),
    outdated: new Set(missing.filter(isKubernetesOwn).map(kindOf)),
  };
}

function isKubernetesOwn({ apiVersion }: KubeObject): boolean {
  const [group = ''] = apiVersion.split('/');
  return !group.includes('.') || group.endsWith('.k8s.io');
}

async function servedKinds(kubeconfig: string): Promise<ReadonlySet<string>> {
  const table = await kubectl(kubeconfig, ['api-resources', '--no-headers', '--cached=false']);
  const rows = table.split('\n').filter((line) => line !== '');
  return new Set(
    rows.map((row) => {
      // Short names may be missing; the last three columns are always there.
      const [apiVersion, , kind] = row.trim().split(/\s+/).slice(-3);
      return `${apiVersion} ${kind}`;
    }),
  );
}

function definition(objects: readonly KubeObject[]): KubeObject & { readonly spec: object } {
  const [{ apiVersion, kind } = { apiVersion: '', kind: '' }] = objects;
  const [group = ''] = apiVersion.split('/');
  const plural = `${kind.toLowerCase()}s`;
  const versions = [...new Set(objects.map((object) => object.apiVersion.split('/')[1] ?? ''))];
  const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: versions.map((name, index) => ({
        name,
        served: true,
        storage: index === 0,
        schema: { openAPIV3Schema: anything },
      })),
    },
  };
}

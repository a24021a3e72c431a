/** What a part of a Kptfile may be. `open` is passed over unread; `required` names the field without which the others say nothing. */
export type Shape =
  | 'string'
  | 'stringMap'
  | 'open'
  | { readonly list: Shape }
  | { readonly fields: { readonly [key: string]: Shape }; readonly required?: string };

const strings = (...names: readonly string[]): { [key: string]: Shape } =>
  Object.fromEntries(names.map((name) => [name, 'string' as const]));

const SELECTOR: Shape = {
  fields: { ...strings('apiVersion', 'kind', 'name', 'namespace'), labels: 'stringMap', annotations: 'stringMap' },
};

const FUNCTION: Shape = {
  fields: {
    ...strings('image', 'exec', 'tag', 'name', 'configPath', 'when'),
    configMap: 'stringMap',
    configRef: { fields: strings('apiVersion', 'kind', 'name', 'namespace') },
    selectors: { list: SELECTOR },
    exclude: { list: SELECTOR },
  },
};

/**
 * `kpt.dev/v1` Kptfile. kpt refuses every key that is not here, except that we let `status` grow, and that `oci` has the form
 * that kpt wrote while it could fetch packages from registries.
 */
export const KPTFILE_SHAPE: Shape = {
  fields: {
    ...strings('apiVersion', 'kind'),
    metadata: { fields: { ...strings('name', 'namespace'), labels: 'stringMap', annotations: 'stringMap' } },
    upstream: {
      fields: {
        ...strings('type', 'updateStrategy'),
        git: { fields: strings('repo', 'directory', 'ref') },
        oci: { fields: strings('image', 'directory'), required: 'image' },
      },
    },
    upstreamLock: {
      fields: {
        type: 'string',
        git: { fields: strings('repo', 'directory', 'ref', 'commit') },
        oci: { fields: strings('image', 'directory', 'digest'), required: 'image' },
        generic: { fields: strings('storeID', 'resourceID', 'resourceVersion') },
      },
    },
    info: {
      fields: {
        ...strings('site', 'license', 'licenseFile', 'description', 'man'),
        emails: { list: 'string' },
        keywords: { list: 'string' },
        readinessGates: { list: { fields: strings('conditionType') } },
      },
    },
    pipeline: { fields: { mutators: { list: FUNCTION }, validators: { list: FUNCTION } } },
    inventory: {
      fields: { ...strings('namespace', 'name', 'inventoryID'), labels: 'stringMap', annotations: 'stringMap' },
    },
    status: 'open',
  },
};

/** The known name that a misspelt one was probably meant to be. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const folded = name.toLowerCase();
  const limit = name.length <= 4 ? 1 : 2;
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(folded, candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.candidate;
}

function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, swap));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

import { PACKAGE_VARIANT_SET, type PackageVariant, type PackageVariantSet, REPOSITORY } from '../../api/kinds.ts';
import { PACKAGE_VARIANT_SET_LABEL, SET_NAME_LABEL } from '../../api/labels.ts';
import type { ObjectMeta } from '../../api/object.ts';
import { setLabel } from './names.ts';

/** Names of the indexes of sets. */
export const SET_INDEX = {
  /** namespace/kind that a set depends on objects of, and the kind alone for objects without a namespace */
  selectedKind: 'selectedKind',
  /** namespace/repository/package that a set's variants are made from */
  upstream: 'upstream',
} as const;

export const variantSetIndexes = {
  [SET_INDEX.upstream]: ({ metadata, spec }: PackageVariantSet) =>
    spec?.upstream ? [`${metadata.namespace ?? ''}/${spec.upstream.repo}/${spec.upstream.package}`] : [],
  [SET_INDEX.selectedKind]: ({ metadata, spec }: PackageVariantSet) => {
    const selected = (spec?.targets ?? []).flatMap(({ objectSelector }) => (objectSelector ? [objectSelector] : []));
    const kinds = [...selected, ...(seesRepositories(spec) ? [REPOSITORY] : [])].map(kindKey);
    return [...new Set(kinds.flatMap((kind) => [`${metadata.namespace ?? ''}/${kind}`, kind]))];
  },
};

/** Whether a set depends on what labels and annotations Repositories have, or on their being there. */
function seesRepositories(spec: PackageVariantSet['spec'] | undefined): boolean {
  const targets = spec?.targets ?? [];
  return spec?.rollout !== undefined || targets.some((target) => target.repositorySelector || target.template);
}

/** `group/version/kind`, or `version/kind` for the core group. */
export function kindKey({ apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }): string {
  return `${apiVersion}/${kind}`;
}

/** Under these a set's variants are found, also those from before a restore; the label of the UID is Porch's. */
export function variantSetKeys({ metadata }: PackageVariantSet): readonly string[] {
  return keys(metadata, metadata.uid, [metadata.name, setLabel(metadata.name)]);
}

/** What a variant says about the set that it belongs to, as values of the index. */
export function variantSetNames({ metadata }: PackageVariant): readonly string[] {
  const { [PACKAGE_VARIANT_SET_LABEL]: uid, [SET_NAME_LABEL]: label } = metadata.labels ?? {};
  const owner = metadata.ownerReferences?.find(({ kind }) => kind === PACKAGE_VARIANT_SET.kind);
  return keys(metadata, uid, [owner?.name, label]);
}

function keys({ namespace = '' }: ObjectMeta, uid: string | undefined, names: readonly (string | undefined)[]) {
  const named = names.flatMap((name) => (name ? [`${namespace}/${name}`] : []));
  return [...new Set([...(uid ? [uid] : []), ...named])];
}

import { PACKAGE_VARIANT, type PackageRevision, type PackageVariant } from '../../api/kinds.ts';
import { INPUT_HASH_ANNOTATION, REPOSITORY_LABEL, VARIANT_METADATA_ANNOTATION } from '../../api/labels.ts';

type Texts = { readonly [key: string]: string };

/** What of a revision's metadata is its variant's. */
export interface ClaimedMetadata {
  readonly labels: Texts;
  readonly annotations: Texts;
  readonly ownerReferences: NonNullable<PackageRevision['metadata']['ownerReferences']>;
}

/** Names of the labels and annotations that a variant has set, so that those it drops later can be taken off again. */
interface OwnKeys {
  readonly labels: readonly string[];
  readonly annotations: readonly string[];
}

export function claimedMetadata(
  { apiVersion, kind, metadata, spec }: PackageVariant,
  repository: string,
  inputHash: string | undefined,
): ClaimedMetadata {
  const own: OwnKeys = {
    labels: Object.keys(spec.labels ?? {}).sort(),
    annotations: Object.keys(spec.annotations ?? {}).sort(),
  };
  const hasOwn = own.labels.length + own.annotations.length > 0;
  return {
    labels: { ...spec.labels, [REPOSITORY_LABEL]: repository },
    annotations: {
      ...spec.annotations,
      ...(hasOwn ? { [VARIANT_METADATA_ANNOTATION]: JSON.stringify(own) } : {}),
      ...(inputHash ? { [INPUT_HASH_ANNOTATION]: inputHash } : {}),
    },
    ownerReferences: [
      { apiVersion, kind, name: metadata.name, uid: metadata.uid ?? '', controller: true, blockOwnerDeletion: true },
    ],
  };
}

/** Merge patch that gives a revision its variant's owner reference, labels and annotations; undefined when it has them. */
export function claimPatch(
  variant: PackageVariant,
  { metadata, spec }: PackageRevision,
  inputHash: string | undefined,
): object | undefined {
  const wanted = claimedMetadata(variant, spec.repository, inputHash);
  const before = ownKeys(metadata.annotations?.[VARIANT_METADATA_ANNOTATION]);
  const labels = changes(metadata.labels, wanted.labels, before.labels);
  const annotations = changes(metadata.annotations, wanted.annotations, [
    ...before.annotations,
    VARIANT_METADATA_ANNOTATION,
  ]);
  const owned = metadata.ownerReferences?.some((reference) => reference.uid === variant.metadata.uid);
  if (owned && isEmpty(labels) && isEmpty(annotations)) return undefined;
  const others = (metadata.ownerReferences ?? []).filter((reference) => reference.kind !== PACKAGE_VARIANT.kind);
  return {
    metadata: {
      resourceVersion: metadata.resourceVersion,
      labels,
      annotations,
      ownerReferences: [...others, ...wanted.ownerReferences],
    },
  };
}

/** What to set, and `null` for what was set before and is no longer wanted. */
function changes(now: Texts | undefined, wanted: Texts, before: readonly string[]): Record<string, string | null> {
  const changed: Record<string, string | null> = {};
  for (const [key, value] of Object.entries(wanted)) if (now?.[key] !== value) changed[key] = value;
  for (const key of before) if (wanted[key] === undefined && now?.[key] !== undefined) changed[key] = null;
  return changed;
}

/** An annotation that somebody damaged says nothing. */
function ownKeys(text: string | undefined): OwnKeys {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return { labels: texts(value, 'labels'), annotations: texts(value, 'annotations') };
  } catch {
    return { labels: [], annotations: [] };
  }
}

function texts(value: unknown, key: keyof OwnKeys): string[] {
  const list: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  return Array.isArray(list) ? list.filter((item) => typeof item === 'string') : [];
}

function isEmpty(map: object): boolean {
  return Object.keys(map).length === 0;
}

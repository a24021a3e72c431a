import { LATEST_REVISION_LABEL, LEGACY_LATEST_REVISION_LABEL } from '../../api/labels.ts';

/** Both spellings; the older one stands on the latest revision only. */
export function latestLabels(latest: boolean): { readonly [label: string]: string } {
  return { [LATEST_REVISION_LABEL]: String(latest), ...(latest ? { [LEGACY_LATEST_REVISION_LABEL]: 'true' } : {}) };
}

/** What to change of an object's labels so that they say whether it is the latest; undefined when they do. */
export function latestLabelPatch(
  labels: { readonly [label: string]: string } | undefined,
  latest: boolean,
): { readonly [label: string]: string | null } | undefined {
  const wanted = { [LEGACY_LATEST_REVISION_LABEL]: null, ...latestLabels(latest) };
  const differs = Object.entries(wanted).some(([label, value]) => (labels?.[label] ?? null) !== value);
  return differs ? wanted : undefined;
}

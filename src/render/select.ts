import type { Selector } from '../krm/function-spec.ts';
import { getIn, getString, isMap, type KrmMap } from '../krm/value.ts';
import type { RenderItem } from './item.ts';

export interface Selection {
  readonly selectors?: readonly Selector[];
  readonly exclude?: readonly Selector[];
}

/** Whether a step sees a part of the items only. */
export function hasSelection({ selectors, exclude }: Selection): boolean {
  return (selectors?.length ?? 0) > 0 || (exclude?.length ?? 0) > 0;
}

/**
 * The items that a step is given, in their order. An item is chosen when it matches any selector, or when there is
 * none, and matches no exclusion. A selector without fields matches everything, an exclusion without fields nothing.
 */
export function selectItems(items: readonly RenderItem[], selection: Selection): readonly RenderItem[] {
  if (!hasSelection(selection)) return items;
  const selectors = selection.selectors ?? [];
  const exclude = (selection.exclude ?? []).filter((selector) => !isEmpty(selector));
  return items.filter(({ value }) => {
    const chosen = selectors.length === 0 || selectors.some((selector) => matches(value, selector));
    return chosen && !exclude.some((selector) => matches(value, selector));
  });
}

function isEmpty(selector: Selector): boolean {
  return Object.values(selector).every((field) => {
    return field === undefined || field === '' || (typeof field === 'object' && Object.keys(field).length === 0);
  });
}

function matches(value: KrmMap, selector: Selector): boolean {
  return (
    equals(selector.apiVersion, getString(value, ['apiVersion'])) &&
    equals(selector.kind, getString(value, ['kind'])) &&
    equals(selector.name, getString(value, ['metadata', 'name'])) &&
    equals(selector.namespace, getString(value, ['metadata', 'namespace'])) &&
    holds(value, 'labels', selector.labels) &&
    holds(value, 'annotations', selector.annotations)
  );
}

function equals(wanted: string | undefined, actual: string | undefined): boolean {
  return wanted === undefined || wanted === '' || wanted === actual;
}

function holds(value: KrmMap, field: 'labels' | 'annotations', wanted: Selector['labels']): boolean {
  if (wanted === undefined) return true;
  const actual = getIn(value, ['metadata', field]);
  return Object.entries(wanted).every(
    ([key, text]) => isMap(actual) && Object.hasOwn(actual, key) && actual[key] === text,
  );
}

import { TerminalError } from '../api/errors.ts';
import { isList, isMap, type KrmMap, type KrmPath, type KrmValue, valuesEqual } from '../krm/value.ts';
import { type KeyedItems, keyItems } from './keyed-items.ts';
import type { ListKeys } from './list-keys.ts';
import type { MergeConflict, Preference } from './types.ts';

/** A field's value on one side; undefined where the side has no such field, null where it says null. */
type Side = KrmValue | undefined;

interface Sides {
  readonly base: Side;
  readonly local: Side;
  readonly upstream: Side;
}

interface KeyedSides {
  readonly o: KeyedItems;
  readonly l: KeyedItems;
  readonly u: KeyedItems;
}

/** A clash of two changes; the caller knows the resource and the file. */
export type FieldConflict = Pick<MergeConflict, 'field' | 'base' | 'local' | 'upstream' | 'resolution'>;

export interface ValueMerge {
  readonly prefer: Preference;
  readonly keysAt: (path: KrmPath) => ListKeys | undefined;
  readonly report: (conflict: FieldConflict) => void;
  /** Called when items of a keyed list come or go. */
  readonly onItems?: () => void;
  /** Stops on the way to the result: keyed lists have lost their items only, or were changed but have no new ones. */
  readonly until?: 'removals' | 'changes';
}

/** Where a node is: for messages, and for looking up how lists are keyed. */
interface Place {
  readonly field: string;
  readonly schema: KrmPath;
}

/**
 * Merges the data of one resource: what only one side changed is taken, the rest is a conflict that is reported and
 * resolved by preference. The result has the local order of keys and items, new ones at the end.
 *
 * - Maps merge by key, keyed lists by item; sets lose what upstream dropped and gain what it added. Other lists are one
 *   value.
 * - What upstream removed is removed, also when it was changed locally (a conflict); local additions to a removed map
 *   or list stay, unless they are no more than a fragment of what was removed.
 * - An explicit null on one side removes the field, unless the base had the null already.
 * @throws TerminalError KindMismatch when a field is a map on one side and a list or scalar on another
 */
export function mergeValues(base: Side, local: Side, upstream: Side, options: ValueMerge): Side {
  return new ValueMerger(options).node(base, local, upstream, { field: '', schema: [] });
}

/**
 * The result of a merge by way of states that are easy to write into the local text: list items go first, then those
 * that stay change in place, then new ones come. What is the same item is then never in doubt.
 * @param merge runs the merge with these options
 */
export function mergeInStages(
  options: ValueMerge,
  merge: (options: ValueMerge) => Side,
): { readonly value: Side; readonly stages: readonly KrmValue[] } {
  let itemsMoved = false;
  const onItems = () => {
    itemsMoved = true;
  };
  const value = merge({ ...options, onItems });
  if (!itemsMoved || value === undefined) return { value, stages: value === undefined ? [] : [value] };
  const silent = { ...options, report: () => undefined };
  const stages = (['removals', 'changes'] as const).flatMap((until) => merge({ ...silent, until }) ?? []);
  return { value, stages: [...stages, value] };
}

class ValueMerger {
  readonly #options: ValueMerge;

  constructor(options: ValueMerge) {
    this.#options = options;
  }

  node(base: Side, local: Side, upstream: Side, place: Place): Side {
    if (valuesEqual(base, upstream) || valuesEqual(local, upstream)) return local;
    if (base === null && upstream === undefined) return local;
    if (local === undefined && base === undefined) return upstream;
    if (!hasValue(local) && !hasValue(upstream)) return undefined;
    const kind = commonKind([base, local, upstream], place);
    if (local === null && hasValue(base)) return this.#clash({ base, local, upstream }, place, undefined, undefined);
    if (kind === 'map') return this.#map({ base, local, upstream }, place);
    const keyed = kind === 'list' && this.#keySides({ base, local, upstream }, place);
    return keyed
      ? this.#keyedList({ base, local, upstream }, keyed, place)
      : this.#single({ base, local, upstream }, place);
  }

  /** A scalar, or a list that is one value. Here upstream differs from both base and local. */
  #single(sides: Sides, place: Place): Side {
    const wanted = sides.upstream === null ? undefined : sides.upstream;
    if (valuesEqual(sides.base, sides.local)) return wanted;
    // A field that was deleted here comes back with upstream's new value, as in the reference.
    return this.#clash(sides, place, sides.local, wanted);
  }

  #map(sides: Sides, place: Place): Side {
    const { base, local, upstream } = sides;
    if (upstream === null) return valuesEqual(base, local) ? undefined : this.#clash(sides, place, local, undefined);
    if (local === undefined) return this.#absentMap(sides, place);
    const entries = this.#entries(sides, place);
    return upstream === undefined ? this.#leftover(sides, entries, place) : fromEntries(entries);
  }

  #entries({ base, local, upstream }: Sides, place: Place): [string, KrmValue][] {
    const [o, l, u] = [mapOf(base), mapOf(local), mapOf(upstream)];
    const entries: [string, KrmValue][] = [];
    for (const key of new Set([...Object.keys(l), ...Object.keys(u)])) {
      const at = { field: fieldOf(place.field, key), schema: [...place.schema, key] };
      const merged = this.node(own(o, key), own(l, key), own(u, key), at);
      if (merged !== undefined) entries.push([key, merged]);
    }
    return entries;
  }

  /** A map that was deleted here and changed upstream comes back with what upstream changed, as in the reference. */
  #absentMap(sides: Sides, place: Place): Side {
    if (this.#options.prefer === 'local') return this.#clash(sides, place, undefined, undefined);
    // One conflict tells it all.
    const entries = new ValueMerger({ ...this.#options, report: () => undefined }).#entries(sides, place);
    return entries.length === 0 ? undefined : this.#clash(sides, place, undefined, fromEntries(entries));
  }

  /** What stays of a map that upstream removed: local additions, but no fragment of a structure. */
  #leftover(sides: Sides, entries: readonly [string, KrmValue][], place: Place): Side {
    if (entries.length === 0) return undefined;
    const base = mapOf(sides.base);
    const structured = Object.values(base).some((value) => isMap(value) || isList(value));
    const kept = Object.keys(mapOf(sides.local)).some((key) => Object.hasOwn(base, key));
    const fragment = structured && kept && entries.some(([, value]) => !isMap(value));
    return fragment ? this.#clash(sides, place, sides.local, undefined) : fromEntries(entries);
  }

  /** Undefined when the list is one value: no keys are known, or they do not tell the items apart. */
  #keySides({ base, local, upstream }: Sides, { schema }: Place): KeyedSides | undefined {
    const keys = this.#options.keysAt(schema);
    if (!keys) return undefined;
    const [o, l, u] = [base, local, upstream].map((side) => keyItems(isList(side) ? side : [], keys));
    return o && l && u ? { o, l, u } : undefined;
  }

  #keyedList({ base, local, upstream }: Sides, keyed: KeyedSides, place: Place): Side {
    if (valuesEqual(base, local) && !this.#options.until) {
      if ([...keyed.l.keys()].join('\0') !== [...keyed.u.keys()].join('\0')) this.#options.onItems?.();
      return upstream ?? undefined;
    }
    const listGone = local === undefined;
    const items: KrmValue[] = [];
    for (const key of new Set([...keyed.l.keys(), ...keyed.u.keys()])) {
      const merged = this.#item(keyed, key, place, listGone);
      const here = keyed.l.get(key)?.value;
      if ((here === undefined) !== (merged === undefined)) this.#options.onItems?.();
      const item = this.#options.until && merged !== undefined ? this.#onTheWay(here, merged) : merged;
      if (item !== undefined) items.push(item);
    }
    if (!listGone) this.#reportGone(keyed, place);
    if (items.length > 0) return items;
    return isList(upstream) && !listGone ? items : undefined;
  }

  #onTheWay(local: Side, merged: KrmValue): Side {
    return this.#options.until === 'removals' || local === undefined ? local : merged;
  }

  /** @param listGone the whole list is gone locally */
  #item({ o, l, u }: KeyedSides, key: string, place: Place, listGone: boolean): Side {
    const [base, local, upstream] = [o.get(key)?.value, l.get(key)?.value, u.get(key)?.value];
    const at = { field: `${place.field}[${(l.get(key) ?? u.get(key))?.label}]`, schema: [...place.schema, 0] };
    if (base === undefined || (local !== undefined && upstream !== undefined)) {
      return this.node(base, local, upstream, at);
    }
    if (upstream === undefined) {
      // The item is one decision: nothing of it stays behind.
      return valuesEqual(base, local) ? undefined : this.#clash({ base, local, upstream }, at, local, undefined);
    }
    if (!listGone || valuesEqual(base, upstream)) return undefined;
    return withKeys(this.node(base, undefined, upstream, at), upstream, u.fields);
  }

  /** Items that were deleted here and changed upstream stay deleted. */
  #reportGone({ o, l, u }: KeyedSides, place: Place): void {
    for (const [key, { value: base }] of o) {
      const upstream = u.get(key);
      if (l.has(key) || upstream === undefined || valuesEqual(base, upstream.value)) continue;
      const field = `${place.field}[${upstream.label}]`;
      this.#options.report({ field, base, upstream: upstream.value, resolution: 'deleted' });
    }
  }

  #clash({ base, local, upstream }: Sides, { field }: Place, keepLocal: Side, takeUpstream: Side): Side {
    const preferLocal = this.#options.prefer === 'local';
    const taken = preferLocal ? keepLocal : takeUpstream;
    const resolution = taken === undefined ? 'deleted' : preferLocal ? 'local' : 'upstream';
    this.#options.report({
      field,
      ...(base === undefined ? {} : { base }),
      ...(local === undefined ? {} : { local }),
      ...(upstream === undefined ? {} : { upstream }),
      resolution,
    });
    return taken;
  }
}

/**
 * The kind that all values of a field have; a side without the field, or with a null, has none.
 * @throws TerminalError KindMismatch
 */
function commonKind(values: readonly Side[], place: Place): 'map' | 'list' | 'scalar' {
  const kinds = new Set(values.filter((value) => value !== undefined && value !== null).map(kindOf));
  const [first, second] = [...kinds];
  if (second === undefined) return first ?? 'scalar';
  throw new TerminalError(
    'KindMismatch',
    `the sides of the merge disagree about the kind of ${place.field || 'the document'}: ${first} and ${second}`,
    { field: place.field },
  );
}

function kindOf(value: Side): 'map' | 'list' | 'scalar' {
  return isMap(value) ? 'map' : isList(value) ? 'list' : 'scalar';
}

function hasValue(side: Side): boolean {
  return side !== undefined && side !== null;
}

/** What upstream changed of an item whose list is gone here comes with the fields that name the item. */
function withKeys(changed: Side, upstream: KrmValue, fields: readonly string[]): Side {
  if (!isMap(changed) || !isMap(upstream)) return changed;
  const named = fields.filter((field) => upstream[field] !== undefined && !Object.hasOwn(changed, field));
  return { ...changed, ...Object.fromEntries(named.map((field) => [field, upstream[field]])) };
}

function mapOf(value: Side): KrmMap {
  return isMap(value) ? value : {};
}

function own(map: KrmMap, key: string): Side {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

function fromEntries(entries: readonly [string, KrmValue][]): KrmMap {
  return Object.fromEntries(entries);
}

/** `parent.key`, with brackets where the key needs them. */
export function fieldOf(parent: string, key: string): string {
  if (!/^[^.[\]"\s]+$/.test(key)) return `${parent}[${JSON.stringify(key)}]`;
  return parent === '' ? key : `${parent}.${key}`;
}

import { isList, isMap, type KrmMap, type KrmScalar, type KrmValue, withKey } from '../krm/value.ts';

/** One step of a field path. */
export type FieldPathPart =
  /** A key of a map; digits are a position where they meet a list. */
  | { readonly type: 'key'; readonly key: string }
  /** Items of a list whose field `key` is `value`; with the key '' the items that are the value themselves. */
  | { readonly type: 'match'; readonly key: string; readonly value: string }
  /** All items of a list, or all values of a map. */
  | { readonly type: 'all' }
  /** Behind the last item of a list. */
  | { readonly type: 'append' };

/**
 * Takes `spec.containers.[name=web].image` apart. Dots separate, except inside of brackets and quotes and behind a
 * backslash. In brackets stands a selector `key=value`, a position, or a key that holds dots or slashes, with or
 * without quotes. `*` is every item, `-` the place behind the last.
 */
export function parseFieldPath(path: string): FieldPathPart[] {
  return splitPath(path).map(parsePart);
}

function splitPath(path: string): string[] {
  const parts: string[] = [];
  let part = '';
  let depth = 0;
  let quote = '';
  const finish = () => {
    if (part !== '') parts.push(part);
    part = '';
  };
  for (let at = 0; at < path.length; at += 1) {
    const character = path[at] as string;
    if (quote !== '') {
      if (character === quote) quote = '';
      part += character;
    } else if (character === '\\' && depth === 0 && path[at + 1] === '.') {
      part += '.';
      at += 1;
    } else if (character === '.' && depth === 0) finish();
    else {
      if (character === '[' && depth === 0) finish();
      if (character === '[') depth += 1;
      if (character === ']') depth -= 1;
      if (character === '"' || character === "'") quote = character;
      part += character;
      if (character === ']' && depth === 0) finish();
    }
  }
  finish();
  return parts;
}

function parsePart(part: string): FieldPathPart {
  if (part === '*' || part === '[*]') return { type: 'all' };
  if (part === '-' || part === '[-]') return { type: 'append' };
  if (!part.startsWith('[')) return { type: 'key', key: unquote(part) };
  const inner = part.slice(1, -1);
  const quoted = unquote(inner);
  if (quoted !== inner) return { type: 'key', key: quoted };
  const equals = inner.indexOf('=');
  if (equals < 0) return { type: 'key', key: inner };
  return { type: 'match', key: inner.slice(0, equals).trim(), value: unquote(inner.slice(equals + 1).trim()) };
}

function unquote(text: string): string {
  return /^(["']).*\1$/s.test(text) && text.length > 1 ? text.slice(1, -1) : text;
}

/** The values that a path leads to, in document order. */
export function findFields(value: KrmValue, path: readonly FieldPathPart[]): KrmValue[] {
  const found: KrmValue[] = [];
  updateFields(value, path, false, (current) => {
    if (current !== undefined) found.push(current);
    return current ?? null;
  });
  return found;
}

/**
 * The value with everything that a path leads to replaced.
 * @param create makes what is missing: maps, and list items that fulfil a selector
 * @param update gets undefined for what is created
 * @returns the same value when nothing changes; `count` says how many fields the path led to
 */
export function updateFields(
  value: KrmValue,
  path: readonly FieldPathPart[],
  create: boolean,
  update: (current: KrmValue | undefined) => KrmValue,
): { readonly value: KrmValue; readonly count: number } {
  const updater = new FieldUpdater(path, create, update);
  const next = updater.at(value, 0) ?? value;
  return { value: next, count: updater.count };
}

class FieldUpdater {
  readonly #path: readonly FieldPathPart[];
  readonly #create: boolean;
  readonly #update: (current: KrmValue | undefined) => KrmValue;
  count = 0;

  constructor(path: readonly FieldPathPart[], create: boolean, update: (current: KrmValue | undefined) => KrmValue) {
    this.#path = path;
    this.#create = create;
    this.#update = update;
  }

  /** @returns undefined where nothing is and nothing was made */
  at(current: KrmValue | undefined, depth: number): KrmValue | undefined {
    const part = this.#path[depth];
    if (part === undefined) {
      this.count += 1;
      return this.#update(current);
    }
    const missing = current === undefined || current === null;
    if (missing && !this.#create) return current;
    if (part.type === 'key') return this.#key(missing ? {} : current, part.key, current, depth);
    if (part.type === 'all' && isMap(current)) return this.#allOfMap(current, depth);
    const list = missing ? [] : current;
    return isList(list) ? this.#items(list, part, current, depth) : current;
  }

  #key(holder: KrmValue, key: string, current: KrmValue | undefined, depth: number): KrmValue | undefined {
    if (isList(holder)) {
      const index = /^\d+$/.test(key) ? Number(key) : -1;
      return index < holder.length && index >= 0 ? this.#replaceItem(holder, index, depth) : current;
    }
    if (!isMap(holder)) return current;
    const before = Object.hasOwn(holder, key) ? holder[key] : undefined;
    if (before === undefined && !this.#create) return current;
    const after = this.at(before, depth + 1);
    return after === undefined || after === before ? current : withKey(holder, key, after);
  }

  #allOfMap(map: KrmMap, depth: number): KrmMap {
    return Object.keys(map).reduce((next, key) => {
      const after = this.at(next[key], depth + 1);
      return after === undefined || after === next[key] ? next : withKey(next, key, after);
    }, map);
  }

  #items(list: readonly KrmValue[], part: FieldPathPart, current: KrmValue | undefined, depth: number) {
    let next = list;
    let matched = 0;
    for (const [index, item] of list.entries()) {
      if (!isMatch(item, part)) continue;
      matched += 1;
      next = this.#replaceItem(next, index, depth);
    }
    const appends = part.type === 'append' || (part.type === 'match' && matched === 0);
    if (appends && this.#create) {
      const made = this.at(part.type === 'match' ? newItem(part.key, part.value) : undefined, depth + 1);
      if (made !== undefined) next = [...next, made];
    }
    return next === list ? current : next;
  }

  #replaceItem(list: readonly KrmValue[], index: number, depth: number): readonly KrmValue[] {
    const after = this.at(list[index], depth + 1);
    return after === undefined || after === list[index] ? list : list.with(index, after);
  }
}

function isMatch(item: KrmValue, part: FieldPathPart): boolean {
  if (part.type === 'all') return true;
  if (part.type !== 'match') return false;
  const field = part.key === '' ? item : isMap(item) ? item[part.key] : undefined;
  return field !== undefined && !isMap(field) && !isList(field) && String(field) === part.value;
}

function newItem(key: string, value: KrmScalar): KrmValue {
  return key === '' ? value : { [key]: value };
}

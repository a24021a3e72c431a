import { EVENT_ID, type Event, getScalarValue, SCALAR_STYLE, type ScalarEvent } from 'js-yaml';
import { documentEvents, SourceFault } from './events.ts';
import { MAX_ALIASED_NODES } from './limits.ts';
import { keyText, resolveNumber, resolvePlain } from './scalars.ts';
import { isList, isMap, type KrmScalar, type KrmValue } from './value.ts';

/**
 * Plain data of one document's text; null when it holds none.
 * @throws SourceFault
 */
export function readValue(source: string): KrmValue {
  return new Construction(source, documentEvents(source)).run();
}

interface Anchored {
  readonly value: KrmValue;
  /** Nodes in it, with all that its aliases stand for. */
  readonly size: number;
}

type MutableMap = { [key: string]: KrmValue };

class Construction {
  readonly #source: string;
  readonly #events: readonly Event[];
  readonly #anchors = new Map<string, Anchored>();
  #next = 0;
  #nodes = 0;
  #aliased = 0;

  constructor(source: string, events: readonly Event[]) {
    this.#source = source;
    this.#events = events;
  }

  run(): KrmValue {
    while (this.#next < this.#events.length) {
      if (this.#take().type === EVENT_ID.DOCUMENT) return this.#node();
    }
    return null;
  }

  #take(): Event {
    const event = this.#events[this.#next++];
    if (event === undefined) throw new SourceFault('syntax', 'the document ends too early', this.#source.length);
    return event;
  }

  #node(): KrmValue {
    const event = this.#take();
    this.#nodes += 1;
    const before = this.#nodes;
    switch (event.type) {
      case EVENT_ID.SCALAR:
        return this.#anchor(event, before, scalarValue(this.#source, event));
      case EVENT_ID.SEQUENCE:
        return this.#anchor(event, before, this.#list());
      case EVENT_ID.MAPPING:
        return this.#anchor(event, before, this.#map());
      case EVENT_ID.ALIAS:
        return this.#alias(event.anchorStart, event.anchorEnd);
      default:
        throw new SourceFault('syntax', 'a value is missing', this.#source.length);
    }
  }

  #anchor(event: { readonly anchorStart: number; readonly anchorEnd: number }, before: number, value: KrmValue) {
    if (event.anchorStart >= 0) {
      const name = this.#source.slice(event.anchorStart, event.anchorEnd);
      this.#anchors.set(name, { value, size: this.#nodes - before + 1 });
    }
    return value;
  }

  #alias(start: number, end: number): KrmValue {
    const name = this.#source.slice(start, end);
    const anchored = this.#anchors.get(name);
    if (anchored === undefined) throw new SourceFault('syntax', `no anchor ${name} before this alias`, start);
    this.#charge(anchored.size, start);
    return anchored.value;
  }

  #charge(nodes: number, offset: number): void {
    this.#nodes += nodes;
    this.#aliased += nodes;
    if (this.#aliased > MAX_ALIASED_NODES) {
      throw new SourceFault('tooLarge', `aliases stand for more than ${MAX_ALIASED_NODES} nodes`, offset);
    }
  }

  #list(): KrmValue {
    const items: KrmValue[] = [];
    while (this.#events[this.#next]?.type !== EVENT_ID.POP) items.push(this.#node());
    this.#next += 1;
    return items;
  }

  #map(): KrmValue {
    const map: MutableMap = {};
    const merged = new Set<string>();
    while (this.#events[this.#next]?.type !== EVENT_ID.POP) this.#entry(map, merged);
    this.#next += 1;
    return map;
  }

  #entry(map: MutableMap, merged: Set<string>): void {
    const event = this.#events[this.#next];
    const offset = event === undefined ? this.#source.length : eventOffset(event);
    const isMerge = event?.type === EVENT_ID.SCALAR && isMergeKey(this.#source, event);
    const key = this.#node();
    if (isList(key) || isMap(key)) throw new SourceFault('syntax', 'a key must be a scalar', Math.max(offset, 0));
    if (isMerge) {
      this.#merge(map, merged, this.#node(), offset);
      return;
    }
    const name = keyText(key);
    if (Object.hasOwn(map, name) && !merged.delete(name)) {
      throw new SourceFault(
        'duplicateKey',
        `key ${JSON.stringify(name)} is already set in this map`,
        Math.max(offset, 0),
      );
    }
    setKey(map, name, this.#node());
  }

  #merge(map: MutableMap, merged: Set<string>, from: KrmValue, offset: number): void {
    for (const source of isList(from) ? from : [from]) {
      if (!isMap(source)) throw new SourceFault('syntax', 'a merge key takes a map or a list of maps', offset);
      const keys = Object.keys(source);
      this.#charge(keys.length + 1, offset);
      for (const key of keys) {
        if (Object.hasOwn(map, key)) continue;
        setKey(map, key, source[key] as KrmValue);
        merged.add(key);
      }
    }
  }
}

function setKey(map: MutableMap, key: string, value: KrmValue): void {
  if (key === '__proto__') {
    Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
  } else map[key] = value;
}

function eventOffset(event: Event): number {
  if (event.type === EVENT_ID.SCALAR) return event.valueStart;
  if (event.type === EVENT_ID.SEQUENCE || event.type === EVENT_ID.MAPPING) return event.start;
  return event.type === EVENT_ID.ALIAS ? event.anchorStart : 0;
}

/** True for the plain `<<` key. */
export function isMergeKey(source: string, event: ScalarEvent): boolean {
  const { valueStart, valueEnd, style } = event;
  return style === SCALAR_STYLE.PLAIN && valueEnd - valueStart === 2 && source.startsWith('<<', valueStart);
}

/**
 * The value of a scalar event, by its style and tag.
 * @throws SourceFault when text and tag do not agree
 */
export function scalarValue(source: string, event: ScalarEvent): KrmScalar {
  const text = getScalarValue(source, event);
  const tag = event.tagStart >= 0 ? source.slice(event.tagStart, event.tagEnd) : '';
  if (tag === '') return event.style === SCALAR_STYLE.PLAIN ? resolvePlain(text) : text;
  const value = taggedValue(tag, text);
  if (value === undefined) throw new SourceFault('syntax', `${JSON.stringify(text)} is no ${tag}`, event.tagStart);
  return value;
}

const CORE_TAG = /^(?:!!|!<tag:yaml\.org,2002:)(null|bool|int|float)>?$/;

/** Tags of the application, binary, timestamps and strings are text. */
export function taggedValue(tag: string, text: string): KrmScalar | undefined {
  const name = CORE_TAG.exec(tag)?.[1];
  if (name === undefined) return text;
  const value = resolvePlain(text);
  if (name === 'null') return value === null ? null : undefined;
  if (name === 'bool') return typeof value === 'boolean' ? value : undefined;
  if (typeof value === 'number' && (name === 'float' || Number.isInteger(value))) return value;
  if (typeof value === 'bigint') return name === 'int' ? value : resolveNumber(`${text}.0`);
  return undefined;
}

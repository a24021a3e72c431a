import { SourceFault } from '../../../krm/events.ts';
import { readValue } from '../../../krm/fast-reader.ts';
import { getIn, getString, isList, isMap, type KrmValue } from '../../../krm/value.ts';
import { defineFunction } from '../../define-function.ts';
import { type StringMap, stringMap } from '../../function-config.ts';
import { lineCommentsOf } from '../../item-comments.ts';
import { isKptfileItem } from '../../kptfile-item.ts';
import type { FunctionItem } from '../../types.ts';
import { currentValues, setterPattern, soleSetter } from '../apply-setters/pattern.ts';
import { readNoConfig } from './config.ts';

interface ListedSetter {
  value: string;
  type: string;
  count: number;
}

/** Tells which setters a package has: those of its Kptfile and those that comments name. */
export const listSetters = defineFunction({
  name: 'list-setters',
  versions: '>=0.1.0 <0.2.0',
  summary: 'Lists the setters of a package, with value, type and number of fields.',
  readConfig: readNoConfig,
  transform(items, _config, results) {
    const setters = configuredSetters(items);
    for (const item of items) countFields(item, setters);
    if (setters.size === 0) results.warning('no setters found');
    for (const [name, { value, type, count }] of [...setters].sort(([a], [b]) => (a < b ? -1 : 1))) {
      results.note(`Name: ${name}, Value: ${value}, Type: ${type}, Count: ${count}`);
    }
    return items;
  },
});

/** What the apply-setters steps of the outermost Kptfile are given; later steps win. */
function configuredSetters(items: readonly FunctionItem[]): Map<string, ListedSetter> {
  const depth = ({ packagePath = '' }: FunctionItem) => packagePath.split('/').filter((part) => part !== '').length;
  const [kptfile] = items.filter(isKptfileItem).toSorted((a, b) => depth(a) - depth(b));
  const mutators = getIn(kptfile?.value, ['pipeline', 'mutators']);
  const setters = new Map<string, ListedSetter>();
  for (const step of isList(mutators) ? mutators : []) {
    if (kptfile === undefined || getString(step, ['image'])?.includes('apply-setters') !== true) continue;
    for (const [name, text] of Object.entries(stepSetters(items, kptfile, step))) {
      const list = readList(text);
      setters.set(name, { value: list ?? text, type: list === undefined ? 'str' : 'array', count: 0 });
    }
  }
  return setters;
}

function stepSetters(items: readonly FunctionItem[], kptfile: FunctionItem, step: KrmValue): StringMap {
  const inline = getIn(step, ['configMap']);
  if (inline !== undefined) return stringMap(inline, 'configMap');
  const file = getString(step, ['configPath']);
  const config = items.find(({ path, packagePath }) => path === file && packagePath === kptfile.packagePath);
  return stringMap(getIn(config?.value, ['data']), 'data');
}

/** `[a, b]` when the text is a YAML list. */
function readList(text: string): string | undefined {
  try {
    const value = readValue(text);
    return isList(value) ? describeList(value) : undefined;
  } catch (error) {
    if (error instanceof SourceFault) return undefined;
    throw error;
  }
}

function describeList(list: readonly KrmValue[]): string {
  return `[${list.map((item) => (isMap(item) || isList(item) ? JSON.stringify(item) : String(item))).join(', ')}]`;
}

function countFields(item: FunctionItem, setters: Map<string, ListedSetter>): void {
  for (const comment of lineCommentsOf(item, 'kpt-set:')) {
    const pattern = setterPattern(comment.text);
    if (pattern === undefined || isMap(comment.value)) continue;
    if (isList(comment.value)) {
      const name = soleSetter(pattern) ?? pattern;
      count(setters, name, describeList(comment.value.toSorted()), 'array');
    } else {
      const type = typeName(comment.value);
      const values = currentValues(pattern, String(comment.value ?? ''));
      for (const [name, value] of values) count(setters, name, value, type);
    }
  }
}

function count(setters: Map<string, ListedSetter>, name: string, value: string, type: string): void {
  const setter = setters.get(name);
  if (setter === undefined) {
    setters.set(name, { value, type, count: 1 });
    return;
  }
  setter.count += 1;
  // A field of another type says more than a text does, for every value in a Kptfile is a text.
  if (setter.type === 'str') setter.type = type;
}

/** YAML's short name of a scalar's type. */
function typeName(value: KrmValue): string {
  if (value === null) return 'null';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'bigint' || Number.isInteger(value)) return 'int';
  return typeof value === 'number' ? 'float' : 'str';
}

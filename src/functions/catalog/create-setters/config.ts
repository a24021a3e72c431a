import { SourceFault } from '../../../krm/events.ts';
import { readValue } from '../../../krm/fast-reader.ts';
import { isList, isMap, type KrmMap, type KrmValue } from '../../../krm/value.ts';
import { FunctionFault } from '../../define-function.ts';
import { configData } from '../../function-config.ts';

export interface Setters {
  /** Longest value first, so that of two that fit the one that says more is taken. */
  readonly scalars: readonly { readonly name: string; readonly value: string }[];
  /** Values in string order. */
  readonly lists: readonly { readonly name: string; readonly values: readonly string[] }[];
}

/** A ConfigMap: setter name to value; a value that reads as a YAML list stands for a list of those values. */
export function readNewSetters(config: KrmMap | undefined): Setters {
  const entries = Object.entries(config === undefined ? {} : configData(config)).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0) throw fault('config map cannot be empty');
  const scalars: Setters['scalars'][number][] = [];
  const lists: Setters['lists'][number][] = [];
  for (const [name, value] of entries) {
    const read = parse(name, value);
    if (isList(read)) lists.push({ name, values: read.map(String).sort() });
    else if (!isMap(read)) scalars.push({ name, value });
  }
  return { scalars: scalars.toSorted((a, b) => b.value.length - a.value.length), lists };
}

function parse(name: string, value: string): KrmValue {
  if (value.trim() === '') throw fault(`setter "${name}" has no value`);
  try {
    return readValue(value);
  } catch (error) {
    if (error instanceof SourceFault) throw fault(`parsing error: setter "${name}": ${error.message}`);
    throw error;
  }
}

function fault(message: string): FunctionFault {
  return new FunctionFault(`failed to create setters: ${message}`);
}

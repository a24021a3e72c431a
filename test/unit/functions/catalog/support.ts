import type { BuiltinFunction, FunctionItem, FunctionOutput } from '../../../../src/functions/types.ts';
import { parseKrmFile } from '../../../../src/krm/file.ts';
import type { KrmMap } from '../../../../src/krm/value.ts';

/** Items of a file's text, as the renderer hands them over. */
export function itemsOf(text: string, path = 'a.yaml', packagePath = ''): FunctionItem[] {
  const { documents } = parseKrmFile(path, new TextEncoder().encode(text));
  return documents.map(({ index, source, value }) => ({
    value: value as KrmMap,
    path,
    index,
    packagePath,
    id: index + 1,
    text: () => source,
  }));
}

/** Runs a function; a configuration given as a map of strings becomes a ConfigMap. */
export function run(fn: BuiltinFunction, items: readonly FunctionItem[], config?: KrmMap): FunctionOutput {
  const functionConfig =
    config === undefined || 'kind' in config
      ? config
      : { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'function-input' }, data: config };
  return fn.run({ items, functionConfig });
}

export function messages(output: FunctionOutput): string[] {
  return output.results.map((result) => result.message);
}

export function values(output: FunctionOutput): KrmMap[] {
  return output.items.map((item) => item.value);
}

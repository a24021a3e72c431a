import { getIn, getString, isMap, type KrmMap, type KrmValue } from '../krm/value.ts';
import { FunctionFault } from './define-function.ts';

/** API version of the catalogue's own configuration kinds. */
export const FUNCTION_CONFIG_API_VERSION = 'fn.kpt.dev/v1alpha1';

export type StringMap = { readonly [key: string]: string };

export function isConfigMap(config: KrmMap): boolean {
  return config.apiVersion === 'v1' && config.kind === 'ConfigMap';
}

/** True for the given kind of the catalogue's API version. */
export function isConfigKind(config: KrmMap, kind: string): boolean {
  return config.apiVersion === FUNCTION_CONFIG_API_VERSION && config.kind === kind;
}

/** `ConfigMap v1`, for messages. */
export function describeKind(config: KrmMap): string {
  return `Kind=${getString(config, ['kind']) ?? ''} ApiVersion=${getString(config, ['apiVersion']) ?? ''}`;
}

/**
 * A map of strings in a configuration. Numbers and booleans count as their text, null as the empty string.
 * @param path field for the message, for example `data`
 * @throws FunctionFault for anything else
 */
export function stringMap(value: KrmValue | undefined, path: string): StringMap {
  if (value === undefined || value === null) return {};
  if (!isMap(value)) throw new FunctionFault(`\`${path}\` must be a map of strings`);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      if (typeof item === 'object' && item !== null) throw new FunctionFault(`\`${path}.${key}\` must be a string`);
      return [key, item === undefined || item === null ? '' : String(item)];
    }),
  );
}

/** `data` of a ConfigMap. */
export function configData(config: KrmMap): StringMap {
  return stringMap(getIn(config, ['data']), 'data');
}

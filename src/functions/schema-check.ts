import { apiGroup, isLocalConfig } from '../krm/identity.ts';
import { customSchemas } from '../krm/schema/custom.ts';
import type { SchemaFault } from '../krm/schema/faults.ts';
import { kubernetesSchemas } from '../krm/schema/kubernetes.ts';
import { PatternCache, validate } from '../krm/schema/validate.ts';
import { getString, type KrmMap } from '../krm/value.ts';
import { configData, isConfigMap } from './function-config.ts';
import type { FunctionItem } from './types.ts';

export interface SchemaCheckConfig {
  readonly strict: boolean;
  readonly ignoreMissingSchemas: boolean;
  /** `Kind`, or `group/version/Kind`. */
  readonly skipKinds: readonly string[];
  /** Where schemas should come from; nothing can be fetched here. */
  readonly schemaLocations: readonly string[];
}

/** Keys in `data` of a ConfigMap, or at the top of any other kind. None without a configuration. */
export function readSchemaCheckConfig(config: KrmMap | undefined): SchemaCheckConfig {
  const data = config === undefined ? {} : isConfigMap(config) ? configData(config) : config;
  const text = (key: string) => String(data[key] ?? '').trim();
  const flag = (key: string) => /^(?:true|1)$/i.test(text(key));
  const list = (key: string) =>
    text(key)
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  return {
    strict: flag('strict'),
    ignoreMissingSchemas: flag('ignore_missing_schemas'),
    skipKinds: list('skip_kinds'),
    schemaLocations: [...list('schema_location'), ...list('additional_schema_locations')],
  };
}

/** What of an item its schema does not allow; `undefined` where there is no schema and there should be one. */
export interface CheckedItem {
  readonly item: FunctionItem;
  readonly faults: readonly SchemaFault[] | undefined;
}

/** Checks items by the schemas of Kubernetes and of the CustomResourceDefinitions among them. */
export function checkItems(items: readonly FunctionItem[], config: SchemaCheckConfig): CheckedItem[] {
  const custom = customSchemas(items.map(({ value }) => value));
  const options = { strict: config.strict, patterns: new PatternCache() };
  return items.flatMap((item): CheckedItem[] => {
    const apiVersion = getString(item.value, ['apiVersion']) ?? '';
    const kind = getString(item.value, ['kind']) ?? '';
    if (config.skipKinds.some((skipped) => skipped === kind || skipped === `${apiVersion}/${kind}`)) return [];
    const schema = kubernetesSchemas.find(apiVersion, kind) ?? custom.find(apiVersion, kind);
    if (schema !== undefined) return [{ item, faults: validate(schema, item.value, options) }];
    return config.ignoreMissingSchemas || isForTools(item.value) ? [] : [{ item, faults: undefined }];
  });
}

/** Kinds that no cluster ever sees, so that it has no schema for them. */
const TOOL_GROUPS: readonly string[] = ['kpt.dev', 'fn.kpt.dev', 'kustomize.config.k8s.io'];

function isForTools(value: KrmMap): boolean {
  return isLocalConfig(value) || TOOL_GROUPS.includes(apiGroup(getString(value, ['apiVersion']) ?? ''));
}

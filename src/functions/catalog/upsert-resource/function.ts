import { idKey, LOCAL_CONFIG_ANNOTATION, resourceId } from '../../../krm/identity.ts';
import { deleteIn, getIn, getString, isMap, type KrmMap, valuesEqual } from '../../../krm/value.ts';
import { defineFunction } from '../../define-function.ts';
import type { FunctionItem } from '../../types.ts';
import { readUpsertConfig } from './config.ts';

/** Where a new resource is written, and which of several equal ones is replaced. */
const TARGET_PATH = 'config.kubernetes.io/target-path';
const FUNCTION_ANNOTATIONS: readonly string[] = ['config.kubernetes.io/function', 'config.k8s.io/function'];

/** Puts a resource in the place of the one with its group, kind, namespace and name, whatever its version, or adds it. */
export const upsertResource = defineFunction({
  name: 'upsert-resource',
  versions: '>=0.1.0 <0.3.0',
  summary: 'Replaces a resource by the one given, or adds it.',
  readConfig: readUpsertConfig,
  transform(items, { resources, given }) {
    const isConfig = ({ value }: FunctionItem) => value === given;
    const configIsItem = items.some(isConfig);
    let next = items;
    for (const resource of resources) {
      const targetPath = getString(resource, ['metadata', 'annotations', TARGET_PATH]) || undefined;
      const value = cleaned(resource, configIsItem);
      const key = idKey(resourceId(value));
      const matches = (item: FunctionItem) =>
        !isConfig(item) &&
        idKey(resourceId(item.value)) === key &&
        (targetPath === undefined || targetPath === item.path) &&
        !FUNCTION_ANNOTATIONS.some((name) => getIn(item.value, ['metadata', 'annotations', name]));
      next = next.some(matches)
        ? next.map((item) => (matches(item) && !valuesEqual(item.value, value) ? { ...item, value } : item))
        : [...next, { value, path: targetPath }];
    }
    return next;
  },
});

/** The resource without what only says how to deal with it. */
function cleaned(resource: KrmMap, fromPackage: boolean): KrmMap {
  const names = [TARGET_PATH, ...FUNCTION_ANNOTATIONS, ...(fromPackage ? [LOCAL_CONFIG_ANNOTATION] : [])];
  const next = names.reduce((current, name) => deleteIn(current, ['metadata', 'annotations', name]), resource);
  const left = getIn(next, ['metadata', 'annotations']);
  return isMap(left) && Object.keys(left).length === 0 ? deleteIn(next, ['metadata', 'annotations']) : next;
}

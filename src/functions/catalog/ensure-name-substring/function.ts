import { apiGroup, isLocalConfig } from '../../../krm/identity.ts';
import { getString, type KrmMap, setIn } from '../../../krm/value.ts';
import { defineFunction } from '../../define-function.ts';
import { updateFields } from '../../field-path.ts';
import { fieldPathOf, hasField } from '../../field-specs.ts';
import type { FunctionItem } from '../../types.ts';
import { type EnsureNameSubstringConfig, readEnsureNameSubstringConfig } from './config.ts';
import { ReferenceFollower } from './follow.ts';
import { Renames } from './renames.ts';

/** Kinds whose name says something by itself: `<group>/<kind>`. */
const KEPT: readonly string[] = [
  'apiextensions.k8s.io/CustomResourceDefinition',
  'apiregistration.k8s.io/APIService',
  '/Namespace',
  'kpt.dev/Kptfile',
];

/** Puts a text in front of or behind the names of resources that do not have it yet, and follows references to them. */
export const ensureNameSubstring = defineFunction({
  name: 'ensure-name-substring',
  versions: '>=0.1.0 <0.3.0',
  summary: 'Gives the names of resources a prefix or suffix, with all references to them.',
  readConfig: readEnsureNameSubstringConfig,
  transform(items, config) {
    const renames = new Renames();
    const named = items.map((item) => (isKept(item.value) ? item : withSubstring(item, config, renames)));
    if (renames.size === 0) return named;
    const follower = new ReferenceFollower(renames);
    return named.map((item) => {
      const value = isLocalConfig(item.value) ? item.value : follower.follow(item.value);
      return value === item.value ? item : { ...item, value };
    });
  },
});

function isKept(value: KrmMap): boolean {
  const kind = `${apiGroup(getString(value, ['apiVersion']) ?? '')}/${String(value.kind)}`;
  return KEPT.includes(kind) || isLocalConfig(value);
}

function withSubstring(item: FunctionItem, config: EnsureNameSubstringConfig, renames: Renames): FunctionItem {
  const edited = (text: string) => {
    if (text.includes(config.substring)) return text;
    return config.editMode === 'prepend' ? config.substring + text : text + config.substring;
  };
  const name = getString(item.value, ['metadata', 'name']);
  let { value } = item;
  if (name !== undefined && edited(name) !== name) {
    renames.add(item, edited(name));
    value = setIn(value, ['metadata', 'name'], edited(name));
  }
  for (const spec of config.additionalFields) {
    if (!hasField(value, spec)) continue;
    const path = fieldPathOf(spec.path);
    value = updateFields(value, path, false, (current) =>
      typeof current === 'string' ? edited(current) : (current ?? null),
    ).value as KrmMap;
  }
  return value === item.value ? item : { ...item, value };
}

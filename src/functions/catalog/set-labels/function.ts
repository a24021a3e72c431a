import { isLocalConfig } from '../../../krm/identity.ts';
import type { KrmMap } from '../../../krm/value.ts';
import { defineFunction } from '../../define-function.ts';
import { type FieldSpec, FieldsByKind, hasWithin, updateField, withEntries } from '../../field-specs.ts';
import type { StringMap } from '../../function-config.ts';
import { readLabels } from './config.ts';
import { LABEL_FIELDS, SELECTING_FIELDS } from './fields.ts';

/** Puts labels on resources, with selectors and templates. */
export const setLabels = defineFunction({
  name: 'set-labels',
  versions: '>=0.1.0 <0.3.0',
  summary: 'Sets labels on resources, in their pod templates and in the selectors that belong to them.',
  readConfig: readLabels,
  transform(items, labels, results) {
    if (items.every(({ value }) => isLocalConfig(value))) {
      results.info('no input resources');
      return items;
    }
    if (Object.keys(labels).length === 0) {
      results.warning('no `labels` arguments are given in FunctionConfig');
      return items;
    }
    const counter = { labels: 0 };
    const fields = { labels: new FieldsByKind(LABEL_FIELDS), selecting: new FieldsByKind(SELECTING_FIELDS) };
    const next = items.map((item) => {
      if (isLocalConfig(item.value)) return item;
      const value = labelled(item.value, labels, fields, counter);
      return value === item.value ? item : { ...item, value };
    });
    results.info(`set ${counter.labels} labels in total`);
    return next;
  },
});

interface Fields {
  readonly labels: FieldsByKind<FieldSpec>;
  readonly selecting: FieldsByKind<FieldSpec>;
}

function labelled(value: KrmMap, labels: StringMap, fields: Fields, counter: { labels: number }): KrmMap {
  let next = value;
  const set = (entries: StringMap) => (current: KrmMap) => {
    counter.labels += Object.keys(entries).length;
    return withEntries(current, entries);
  };
  for (const spec of fields.labels.of(value)) if (hasWithin(next, spec)) next = updateField(next, spec, set(labels));
  for (const spec of fields.selecting.of(value)) {
    if (hasWithin(next, spec)) next = updateField(next, spec, (current) => set(present(labels, current))(current));
  }
  return next;
}

function present(labels: StringMap, current: KrmMap): StringMap {
  return Object.fromEntries(Object.entries(labels).filter(([key]) => Object.hasOwn(current, key)));
}

import type { FunctionResult } from '../../../krm/resource-list.ts';
import { formatPath, type KrmMap } from '../../../krm/value.ts';
import { defineFunction } from '../../define-function.ts';
import { type FieldSpec, FieldsByKind, hasWithin, updateField, withEntries } from '../../field-specs.ts';
import { fileOf, Results } from '../../results.ts';
import type { FunctionItem } from '../../types.ts';
import { readSetAnnotationsConfig, type SetAnnotationsConfig } from './config.ts';
import { ANNOTATION_FIELDS } from './fields.ts';

/** Puts annotations on resources and in their pod templates; local configuration is not spared. */
export const setAnnotations = defineFunction({
  name: 'set-annotations',
  versions: '>=0.1.0 <0.2.0',
  summary: 'Sets annotations on resources and in their pod templates.',
  readConfig: readSetAnnotationsConfig,
  transform(items, config, results) {
    const found = new Results();
    const fields = new FieldsByKind([...config.additionalFields, ...ANNOTATION_FIELDS]);
    const next = items.map((item) => {
      const value = annotated(item, config, fields, found);
      return value === item.value ? item : { ...item, value };
    });
    if (found.list.length === 0) results.note('no annotations applied');
    results.list.push(...found.list.sort(byPlace));
    return next;
  },
});

function annotated(
  item: FunctionItem,
  { annotations }: SetAnnotationsConfig,
  fields: FieldsByKind<FieldSpec>,
  results: Results,
): KrmMap {
  const sorted = Object.fromEntries(Object.entries(annotations).sort(([a], [b]) => compare(a, b)));
  const message = `set annotations: ${JSON.stringify(sorted)}`;
  let next = item.value;
  for (const spec of fields.of(item.value)) {
    if (!hasWithin(next, spec)) continue;
    next = updateField(next, spec, (current, path) => {
      results.note(message, { field: { path: formatPath(path) }, file: fileOf(item) });
      return withEntries(current, annotations);
    });
  }
  return next;
}

function byPlace(a: FunctionResult, b: FunctionResult): number {
  return (
    compare(a.file?.path ?? '', b.file?.path ?? '') ||
    (a.file?.index ?? 0) - (b.file?.index ?? 0) ||
    compare(a.field?.path ?? '', b.field?.path ?? '')
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

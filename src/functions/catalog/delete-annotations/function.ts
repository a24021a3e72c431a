import { deleteIn, getIn, getString } from '../../../krm/value.ts';
import { defineFunction } from '../../define-function.ts';
import { Results } from '../../results.ts';
import type { FunctionItem } from '../../types.ts';
import { readAnnotationKeys } from './config.ts';

/** Removes annotations of resources; those of pod templates stay. */
export const deleteAnnotations = defineFunction({
  name: 'delete-annotations',
  versions: '>=0.1.0 <0.2.0',
  summary: 'Removes annotations from resources.',
  readConfig: readAnnotationKeys,
  transform(items, keys, results) {
    const removed = new Results();
    let changed = 0;
    const next = items.map((item) => {
      const value = keys.reduce(
        (current, key) => withoutAnnotation({ ...item, value: current }, key, removed),
        item.value,
      );
      if (value === item.value) return item;
      changed += 1;
      return { ...item, value };
    });
    if (changed === 0) results.info('None of the resources had the provided annotations to delete');
    else results.info(`The provided annotations were deleted from ${changed} resource(s)`);
    results.list.push(...removed.list);
    return next;
  },
});

function withoutAnnotation({ value, path }: FunctionItem, key: string, results: Results): FunctionItem['value'] {
  const place = ['metadata', 'annotations', key];
  if (getIn(value, place) === undefined) return value;
  const name = getString(value, ['metadata', 'name']) ?? '';
  results.add('info', `Annonation: [${key}] removed from resource: [${name}]`, { file: { path } });
  const next = deleteIn(value, place);
  const left = getIn(next, ['metadata', 'annotations']) ?? {};
  return Object.keys(left).length === 0 ? deleteIn(next, ['metadata', 'annotations']) : next;
}

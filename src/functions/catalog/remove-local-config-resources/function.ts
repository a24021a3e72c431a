import { LOCAL_CONFIG_ANNOTATION } from '../../../krm/identity.ts';
import { getIn, getString, type KrmMap } from '../../../krm/value.ts';
import { defineFunction } from '../../define-function.ts';
import { isKptfileItem } from '../../kptfile-item.ts';
import { readNoConfig } from './config.ts';

/** Removes what is for tools only. A Kptfile stays, marked or not: without it there is no package. */
export const removeLocalConfigResources = defineFunction({
  name: 'remove-local-config-resources',
  versions: '>=0.1.0 <0.2.0',
  summary: 'Removes resources that are marked as local configuration; never a Kptfile.',
  readConfig: readNoConfig,
  transform(items, _config, results) {
    const removed = items.filter((item) => isMarked(item.value) && !isKptfileItem(item));
    if (removed.length === 0) {
      results.warning('Found no resources to prune with the local config annotation');
      return items;
    }
    results.info(`Number of resources pruned: ${removed.length}`);
    for (const { value, path } of removed) {
      const name = getString(value, ['metadata', 'name']) ?? '';
      results.add('info', `Resource name: [${name}]`, { file: { path } });
    }
    const gone = new Set(removed);
    return items.filter((item) => !gone.has(item));
  },
});

/** Unlike elsewhere only `true` counts: what a function removes must be meant. */
function isMarked(value: KrmMap): boolean {
  const mark = getIn(value, ['metadata', 'annotations', LOCAL_CONFIG_ANNOTATION]);
  return String(mark ?? '').toLowerCase() === 'true';
}

import { formatPath, getString } from '../../../krm/value.ts';
import { defineFunction } from '../../define-function.ts';
import { placeOf } from '../../results.ts';
import { checkItems } from '../../schema-check.ts';
import { readKubevalConfig } from './config.ts';
import { wordFault } from './wording.ts';

/** The predecessor of kubeconform, for packages that still name it. */
export const kubeval = defineFunction({
  name: 'kubeval',
  versions: '>=0.1.0 <0.4.0',
  summary: 'Checks resources by the schemas of their kinds; superseded by kubeconform.',
  readConfig: readKubevalConfig,
  transform(items, config, results) {
    for (const { item, faults } of checkItems(items, config)) {
      const place = placeOf(item);
      if (faults === undefined) {
        const kind = getString(item.value, ['kind']);
        results.add('error', `Validating arbitrary CRDs is not supported yet. Missing schema of ${kind}`, place);
      }
      for (const { message, path } of (faults ?? []).flatMap(wordFault)) {
        results.add('error', message, { ...place, field: { path: formatPath(path) } });
      }
    }
    return items;
  },
});

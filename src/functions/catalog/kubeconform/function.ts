import { kubernetesSchemas } from '../../../krm/schema/kubernetes.ts';
import { getString } from '../../../krm/value.ts';
import { defineFunction } from '../../define-function.ts';
import { placeOf } from '../../results.ts';
import { checkItems } from '../../schema-check.ts';
import { readKubeconformConfig } from './config.ts';
import { describeFault, fieldPath } from './wording.ts';

/** Checks resources by the schemas of Kubernetes and of the CustomResourceDefinitions in the package. */
export const kubeconform = defineFunction({
  name: 'kubeconform',
  versions: '>=0.1.0 <0.2.0',
  summary: 'Checks resources by the schemas of their kinds.',
  readConfig: readKubeconformConfig,
  transform(items, config, results) {
    if (config.schemaLocations.length > 0) {
      results.warning(
        `\`schema_location\` is passed over: the schemas are those of Kubernetes ${kubernetesSchemas.version} and of the package's CustomResourceDefinitions`,
      );
    }
    for (const { item, faults } of checkItems(items, config)) {
      const place = placeOf(item);
      if (faults === undefined) {
        const kind = getString(item.value, ['kind']);
        results.add(
          'error',
          `Validating arbitrary CRDs not supported. Consider setting ignore_missing_schemas or skip_kinds in FunctionConfig:\ncould not find schema for ${kind}`,
          place,
        );
      }
      for (const fault of faults ?? []) {
        results.add('error', describeFault(fault), { ...place, field: { path: fieldPath(fault.path) } });
      }
    }
    return items;
  },
});

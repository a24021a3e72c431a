import type { KrmMap } from '../../../krm/value.ts';
import { FunctionFault } from '../../define-function.ts';
import {
  configData,
  describeKind,
  isConfigKind,
  isConfigMap,
  type StringMap,
  stringMap,
} from '../../function-config.ts';

/** The labels: `data` of a ConfigMap, or `labels` of `SetLabels`. */
export function readLabels(config: KrmMap | undefined): StringMap {
  if (config === undefined) throw new FunctionFault('`FunctionConfig` is not given');
  if (isConfigMap(config)) return configData(config);
  if (isConfigKind(config, 'SetLabels')) return stringMap(config.labels, 'labels');
  throw new FunctionFault(`unknown functionConfig ${describeKind(config)}, expect \`ConfigMap\` or \`SetLabels\``);
}

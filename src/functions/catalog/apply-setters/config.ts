import type { KrmMap } from '../../../krm/value.ts';
import { configData, type StringMap } from '../../function-config.ts';

/** Values by setter name: `data` of the configuration, which is a ConfigMap. None without one. */
export function readSetters(config: KrmMap | undefined): StringMap {
  return config === undefined ? {} : configData(config);
}

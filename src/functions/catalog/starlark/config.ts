import { getString, type KrmMap } from '../../../krm/value.ts';
import { FunctionFault } from '../../define-function.ts';
import {
  configData,
  describeKind,
  FUNCTION_CONFIG_API_VERSION,
  isConfigKind,
  isConfigMap,
} from '../../function-config.ts';
import type { Script } from './engine.ts';

const DEFAULT_NAME = 'starlark-function-run';

/**
 * `StarlarkRun` with the script in `source`, or a ConfigMap with it in `data.source`. Whatever else stands there
 * (`params`) the script finds in `ctx.resource_list["functionConfig"]`.
 */
export function readScript(config: KrmMap | undefined): Script {
  if (config === undefined) throw new FunctionFault('FunctionConfig is missing. Expect `ConfigMap` or `StarlarkRun`');
  const program = readSource(config);
  if (!program) throw new FunctionFault('`source` must not be empty');
  return { name: getString(config, ['metadata', 'name']) || DEFAULT_NAME, program };
}

function readSource(config: KrmMap): string | undefined {
  if (isConfigMap(config)) return configData(config).source;
  if (isConfigKind(config, 'StarlarkRun')) return getString(config, ['source']);
  throw new FunctionFault(
    `\`functionConfig\` must be either /v1, Kind=ConfigMap or ${FUNCTION_CONFIG_API_VERSION}, Kind=StarlarkRun, but we got: ${describeKind(config)}`,
  );
}

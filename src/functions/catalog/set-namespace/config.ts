import { getString, type KrmMap } from '../../../krm/value.ts';
import { FunctionFault } from '../../define-function.ts';
import {
  configData,
  describeKind,
  FUNCTION_CONFIG_API_VERSION,
  isConfigKind,
  isConfigMap,
} from '../../function-config.ts';

/** Name of the ConfigMap that tells a package its own name. */
const PACKAGE_CONTEXT = 'kptfile.kpt.dev';

export interface SetNamespaceConfig {
  readonly namespace: string;
  /** Only this namespace is replaced; absent means all. */
  readonly matcher?: string;
}

/**
 * A ConfigMap with `namespace` and `namespaceMatcher`, the package context (its `name` is the namespace), or
 * `SetNamespace` with the same two fields.
 */
export function readSetNamespaceConfig(config: KrmMap | undefined): SetNamespaceConfig {
  if (config === undefined) {
    throw new FunctionFault('FunctionConfig is missing. Expect `ConfigMap.v1` or `SetNamespace.v1alpha1.fn.kpt.dev`');
  }
  if (isConfigMap(config)) return fromConfigMap(config);
  if (isConfigKind(config, 'SetNamespace')) return fromSetNamespace(config);
  throw new FunctionFault(
    `unknown functionConfig ${describeKind(config)}, expect \`ConfigMap.v1\` or \`SetNamespace\` of ${FUNCTION_CONFIG_API_VERSION}`,
  );
}

function fromConfigMap(config: KrmMap): SetNamespaceConfig {
  const data = configData(config);
  const isContext = getString(config, ['metadata', 'name']) === PACKAGE_CONTEXT;
  const namespace = data.namespace || (isContext ? data.name : undefined);
  if (!namespace) throw new FunctionFault(`\`data.${isContext ? 'name' : 'namespace'}\` should not be empty`);
  return { namespace, matcher: data.namespaceMatcher || undefined };
}

function fromSetNamespace(config: KrmMap): SetNamespaceConfig {
  const namespace = getString(config, ['namespace']);
  if (!namespace) throw new FunctionFault('`namespace` should not be empty');
  return { namespace, matcher: getString(config, ['namespaceMatcher']) || undefined };
}

import { isLocalConfig } from '../../../krm/identity.ts';
import { getString, type KrmMap, setIn } from '../../../krm/value.ts';
import { defineFunction, FunctionFault } from '../../define-function.ts';
import { isNamespaced } from '../../scope.ts';
import type { FunctionItem } from '../../types.ts';
import { readSetNamespaceConfig, type SetNamespaceConfig } from './config.ts';
import { followDependencies, referenceable } from './depends-on.ts';
import { followReferences, Referents } from './references.ts';
import { NamespaceChange } from './replacement.ts';

/** Puts resources into a namespace, with all that refers to them by namespace. */
export const setNamespace = defineFunction({
  name: 'set-namespace',
  versions: '>=0.1.0 <0.6.0',
  summary: 'Sets the namespace of resources and of references to them.',
  readConfig: readSetNamespaceConfig,
  transform(items, config, results) {
    checkNamespaceObjects(items, config);
    const known = referenceable(items);
    const referents = new Referents(items);
    const namespaces = new NamespaceChange(config);
    const dependencies = new NamespaceChange(config);
    const next = items.map((item) => {
      if (isLocalConfig(item.value)) return item;
      const own = setOwnNamespace(item.value, namespaces, config);
      if (config.matcher !== undefined && own !== item.value) results.info(matchMessage(item.value, config.matcher));
      const moved = followReferences(own, referents, namespaces);
      const value = followDependencies(moved, known, dependencies);
      return value === item.value ? item : { ...item, value };
    });
    results.info(summary(namespaces));
    results.info(dependenciesSummary(dependencies));
    return next;
  },
});

function setOwnNamespace(value: KrmMap, change: NamespaceChange, { matcher }: SetNamespaceConfig): KrmMap {
  if (value.apiVersion === 'v1' && value.kind === 'Namespace') return replaceAt(value, 'name', change);
  if (!isNamespaced(value)) return value;
  if (getString(value, ['metadata', 'namespace'])) return replaceAt(value, 'namespace', change);
  if (matcher !== undefined) return value;
  // What names no namespace would be applied to the default one.
  if (!change.applies('default')) return setIn(value, ['metadata', 'namespace'], 'default');
  return setIn(value, ['metadata', 'namespace'], change.replace('default'));
}

function replaceAt(value: KrmMap, field: 'name' | 'namespace', change: NamespaceChange): KrmMap {
  const current = getString(value, ['metadata', field]) ?? '';
  return change.applies(current) ? setIn(value, ['metadata', field], change.replace(current)) : value;
}

/** Several namespaces cannot become one: the result would hold the same Namespace more than once. */
function checkNamespaceObjects(items: readonly FunctionItem[], { namespace, matcher }: SetNamespaceConfig): void {
  if (matcher !== undefined) return;
  const objects = items.filter(
    ({ value }) => value.apiVersion === 'v1' && value.kind === 'Namespace' && !isLocalConfig(value),
  );
  const names = new Set(objects.map(({ value }) => getString(value, ['metadata', 'name']) ?? ''));
  if (names.size < 2) return;
  throw new FunctionFault(
    `Namespace objects [${[...names].sort().join(' ')}] would all become "${namespace}". please use \`namespaceMatcher\` to say which one you want to change`,
  );
}

function matchMessage(value: KrmMap, matcher: string): string {
  const part = (...path: string[]) => getString(value, path) ?? '';
  const [namespace, name] = [part('metadata', 'namespace'), part('metadata', 'name')];
  return `[Resource(apiVersion=${part('apiVersion')}, kind=${part('kind')}, namespace=${namespace}, name=${name})] has matching origin ${matcher}`;
}

function summary(change: NamespaceChange): string {
  if (change.count === 0) return `all matching namespaces are already "${change.target}". no value changed`;
  return `namespace ${change.replaced} updated to "${change.target}", ${change.count} value(s) changed`;
}

function dependenciesSummary(change: NamespaceChange): string {
  if (change.count === 0) return 'all `depends-on` annotations are up-to-date. no `namespace` changed';
  return `\`depends-on\` annotation namespace ${change.replaced} updated to "${change.target}", ${change.count} value(s) changed`;
}

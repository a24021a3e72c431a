import { isLocalConfig, resourceId } from '../../../krm/identity.ts';
import { getString, type KrmMap, setIn } from '../../../krm/value.ts';
import { isNamespaced } from '../../scope.ts';
import type { FunctionItem } from '../../types.ts';
import type { NamespaceChange } from './replacement.ts';

const ANNOTATION = 'config.kubernetes.io/depends-on';
const NAMESPACED_REFERENCE = /^([^/]*)\/namespaces\/([^/]+)\/([^/]+)\/([^/]+)$/;

/** `<group>/namespaces/<namespace>/<kind>/<name>` of the namespaced items, the way depends-on names them. */
export function referenceable(items: readonly FunctionItem[]): ReadonlySet<string> {
  const references = items
    .filter(({ value }) => !isLocalConfig(value) && isNamespaced(value))
    .map(({ value }) => {
      const { group, kind, namespace, name } = resourceId(value);
      return `${group}/namespaces/${namespace || 'default'}/${kind}/${name}`;
    });
  return new Set(references);
}

/** Follows the items that a resource waits for (`config.kubernetes.io/depends-on`, a comma-separated list). */
export function followDependencies(value: KrmMap, known: ReadonlySet<string>, change: NamespaceChange): KrmMap {
  const path = ['metadata', 'annotations', ANNOTATION];
  const annotation = getString(value, path);
  if (annotation === undefined) return value;
  const references = annotation.split(',').map((reference) => {
    const text = reference.trim();
    const [, group, namespace = '', kind, name] = NAMESPACED_REFERENCE.exec(text) ?? [];
    if (!known.has(text) || !change.applies(namespace)) return reference;
    return reference.replace(text, `${group}/namespaces/${change.replace(namespace)}/${kind}/${name}`);
  });
  const next = references.join(',');
  return next === annotation ? value : setIn(value, path, next);
}

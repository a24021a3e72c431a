import { apiGroup } from '../../../krm/identity.ts';
import { getIn, getString, isList, isMap, type KrmMap, type KrmValue, setIn } from '../../../krm/value.ts';
import { updateFields } from '../../field-path.ts';
import { FieldsByKind } from '../../field-specs.ts';
import { NAME_REFERENCES, RULE_RESOURCES, SELF_DESCRIBING } from './references.ts';
import type { Renames } from './renames.ts';

const DEPENDS_ON = ['metadata', 'annotations', 'config.kubernetes.io/depends-on'];

/** Follows new names in the resources of one run. */
export class ReferenceFollower {
  readonly #names = new FieldsByKind(NAME_REFERENCES);
  readonly #described = new FieldsByKind(SELF_DESCRIBING);
  readonly #renames: Renames;

  constructor(renames: Renames) {
    this.#renames = renames;
  }

  /** The resource with the new names of those that it refers to. */
  follow(resource: KrmMap): KrmMap {
    const renames = this.#renames;
    const namespace = getString(resource, ['metadata', 'namespace']) ?? '';
    let next = resource;
    for (const { parts, to } of this.#names.of(resource)) {
      next = update(next, parts, (value) => (typeof value === 'string' ? renames.nameOf(to, namespace, value) : value));
    }
    for (const { parts } of this.#described.of(resource)) {
      next = update(next, parts, (value) => followNeighbours(value, namespace, renames));
    }
    return followDependencies(followRules(next, namespace, renames), namespace, renames);
  }
}

function update(
  resource: KrmMap,
  path: Parameters<typeof updateFields>[1],
  change: (value: KrmValue) => KrmValue,
): KrmMap {
  return updateFields(resource, path, false, (value) => change(value ?? null)).value as KrmMap;
}

function followNeighbours(reference: KrmValue, namespace: string, renames: Renames): KrmValue {
  const part = (key: string) => getString(reference, [key]);
  const name = part('name');
  if (name === undefined) return reference;
  const group = part('apiGroup') ?? apiGroup(part('apiVersion') ?? '');
  return setIn(reference, ['name'], renames.nameOf(`${group}/${part('kind')}`, part('namespace') ?? namespace, name));
}

/** Rules of roles may be for resources of given names. */
function followRules(resource: KrmMap, namespace: string, renames: Renames): KrmMap {
  const rules = resource.kind === 'Role' || resource.kind === 'ClusterRole' ? resource.rules : undefined;
  if (!isList(rules)) return resource;
  return rules.reduce<KrmMap>((current, rule, at) => {
    const names = getIn(rule, ['resourceNames']);
    const resources = getIn(rule, ['resources']);
    if (!isList(names) || !isList(resources)) return current;
    const kinds = resources.map((plural) => RULE_RESOURCES[String(plural)]).filter((kind) => kind !== undefined);
    const next = names.map((name) => kinds.reduce((text, kind) => renames.nameOf(kind, namespace, text), String(name)));
    return next.every((name, index) => name === names[index])
      ? current
      : setIn(current, ['rules', at, 'resourceNames'], next);
  }, resource);
}

/** `<group>/namespaces/<namespace>/<kind>/<name>` or `<group>/<kind>/<name>`, a comma-separated list. */
function followDependencies(resource: KrmMap, ownNamespace: string, renames: Renames): KrmMap {
  const text = getString(resource, DEPENDS_ON);
  if (text === undefined || !isMap(resource)) return resource;
  const references = text.split(',').map((reference) => {
    const parts = reference.trim().split('/');
    const namespaced = parts.length === 5 && parts[1] === 'namespaces';
    if (!namespaced && parts.length !== 3) return reference;
    const [group, name, kind] = [parts[0], parts.at(-1) ?? '', parts.at(-2)];
    const next = renames.nameOf(`${group}/${kind}`, namespaced ? (parts[2] ?? '') : ownNamespace, name);
    return next === name ? reference : reference.replace(parts.join('/'), [...parts.slice(0, -1), next].join('/'));
  });
  const next = references.join(',');
  return next === text ? resource : setIn(resource, DEPENDS_ON, next);
}

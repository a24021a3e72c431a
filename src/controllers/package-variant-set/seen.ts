import type { KubeObject } from '../../api/object.ts';
import { asMap, sameJson } from '../../kube/json.ts';

/** Whether two states of an object look the same to templates, waves and selectors. */
export function looksTheSame(before: KubeObject | undefined, after: KubeObject | undefined): boolean {
  return before === after || (!!before && !!after && sameJson(seen(before), seen(after)));
}

function seen(object: KubeObject) {
  const { labels, annotations, name, namespace, uid } = object.metadata;
  const { spec, data } = asMap(object);
  return { labels, annotations, name, namespace, uid, spec, data };
}

import { apiGroup } from '../../../krm/identity.ts';
import { getIn, getString, type KrmMap } from '../../../krm/value.ts';
import type { ResourceSelector } from './config.ts';
import { fulfils } from './label-selector.ts';

/** Whether a resource is selected. */
export function isSelected(value: KrmMap, selector: ResourceSelector): boolean {
  const apiVersion = getString(value, ['apiVersion']) ?? '';
  const is = (wanted: string | undefined, actual: string | undefined) =>
    wanted === undefined || wanted === (actual ?? '');
  return (
    is(selector.group, apiGroup(apiVersion)) &&
    is(selector.version, apiVersion.slice(apiVersion.lastIndexOf('/') + 1)) &&
    is(selector.kind, getString(value, ['kind'])) &&
    is(selector.name, getString(value, ['metadata', 'name'])) &&
    is(selector.namespace, getString(value, ['metadata', 'namespace'])) &&
    fulfils(getIn(value, ['metadata', 'labels']), selector.labels) &&
    fulfils(getIn(value, ['metadata', 'annotations']), selector.annotations)
  );
}

/** `ConfigMap kptfile.kpt.dev`, for messages. */
export function describeSelector({ group, version, kind, namespace, name }: ResourceSelector): string {
  const gvk = [group, version, kind].filter((part) => part).join('/');
  return (
    [gvk, [namespace, name].filter((part) => part).join('/')].filter((part) => part !== '').join(' ') || 'everything'
  );
}

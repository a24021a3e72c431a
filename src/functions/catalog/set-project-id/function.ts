import { apiGroup } from '../../../krm/identity.ts';
import { getIn, getString, isList, type KrmMap, type KrmPath, setIn } from '../../../krm/value.ts';
import { defineFunction, FunctionFault } from '../../define-function.ts';
import { DEFAULT_IMAGE_PREFIX } from '../../image.ts';
import { isKptfileItem } from '../../kptfile-item.ts';
import type { FunctionItem } from '../../types.ts';
import { PROJECT_ID, readProjectId } from './config.ts';

const SETTERS_IMAGE = `${DEFAULT_IMAGE_PREFIX}/apply-setters:v0.2`;
const ANNOTATION = ['metadata', 'annotations', 'cnrm.cloud.google.com/project-id'];

/** Gives packages their Google Cloud project: as a setter, and on the resources of Config Connector. What is set stays. */
export const setProjectId = defineFunction({
  name: 'set-project-id',
  versions: '>=0.1.0 <0.3.0',
  summary: 'Sets the setter `project-id` and the project of Config Connector resources where they are not set.',
  readConfig: readProjectId,
  transform(items, projectId) {
    const kptfiles = items.filter(isKptfileItem);
    const placed = kptfiles.reduce<readonly FunctionItem[]>(
      (current, kptfile) => withSetter(current, kptfile, projectId),
      items,
    );
    return placed.map((item) => {
      if (!isConnectorResource(item.value)) return item;
      return replaced(item, withDefault(item.value, ANNOTATION, projectId));
    });
  },
});

/** In the configuration of the package's apply-setters step: in the Kptfile or the file that it names. */
function withSetter(items: readonly FunctionItem[], kptfile: FunctionItem, projectId: string): readonly FunctionItem[] {
  const mutators = getIn(kptfile.value, ['pipeline', 'mutators']);
  const steps = isList(mutators) ? mutators : [];
  const at = steps.findIndex((step) => getString(step, ['image'])?.includes('apply-setters') === true);
  const put = (target: FunctionItem, value: KrmMap) =>
    items.map((item) => (item === target ? replaced(item, value) : item));
  if (at < 0) {
    const step = { image: SETTERS_IMAGE, configMap: { [PROJECT_ID]: projectId } };
    return put(kptfile, setIn(kptfile.value, ['pipeline', 'mutators'], [...steps, step]));
  }
  if (getIn(steps[at], ['configMap']) !== undefined) {
    const path = ['pipeline', 'mutators', at, 'configMap', PROJECT_ID];
    return put(kptfile, withDefault(kptfile.value, path, projectId));
  }
  const file = getString(steps[at], ['configPath']);
  if (file === undefined)
    throw fault('unable to find `configMap` or `configPath` as the `functionConfig` for apply-setters');
  const config = items.find(({ path, packagePath }) => path === file && packagePath === kptfile.packagePath);
  if (config === undefined) {
    throw fault(`file ${file} doesn't exist, please ensure the file specified in "configPath" exists and retry`);
  }
  return put(config, withDefault(config.value, ['data', PROJECT_ID], projectId));
}

/** Resources of Config Connector, but not those that configure it. */
function isConnectorResource(value: KrmMap): boolean {
  const service = /^(\w+)\.cnrm\.cloud\.google\.com$/.exec(apiGroup(getString(value, ['apiVersion']) ?? ''))?.[1];
  return service !== undefined && service !== 'core';
}

function withDefault(value: KrmMap, path: KrmPath, projectId: string): KrmMap {
  return getIn(value, path) ? value : setIn(value, path, projectId);
}

function replaced(item: FunctionItem, value: KrmMap): FunctionItem {
  return value === item.value ? item : { ...item, value };
}

function fault(message: string): FunctionFault {
  return new FunctionFault(`failed to set project-id setter: ${message}`);
}

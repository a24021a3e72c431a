import { getString, isList, isMap, type KrmMap, type KrmValue } from '../../../krm/value.ts';
import { FunctionFault } from '../../define-function.ts';

export interface UpsertConfig {
  readonly resources: readonly KrmMap[];
  /** The configuration as it was given: a resource of the package may be the very same object. */
  readonly given: KrmMap;
}

/** The configuration is the resource, or a `List` of resources. */
export function readUpsertConfig(config: KrmMap | undefined): UpsertConfig {
  if (config === undefined) throw fault('the functionConfig, which is the resource to upsert, is missing');
  const { kind, items } = config;
  const resources: readonly KrmValue[] = kind === 'List' ? (isList(items) ? items : []) : [config];
  return { resources: resources.map(checkResource), given: config };
}

function checkResource(resource: KrmValue): KrmMap {
  const missing = ['apiVersion', 'kind'].find((field) => !getString(resource, [field]));
  const field = missing ?? (getString(resource, ['metadata', 'name']) ? undefined : 'metadata.name');
  if (isMap(resource) && field === undefined) return resource;
  throw fault(`the resource to upsert has no ${field ?? 'fields'}`);
}

function fault(message: string): FunctionFault {
  return new FunctionFault(`failed to upsert resource: ${message}`);
}

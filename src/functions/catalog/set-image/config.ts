import { getString, isList, isMap, type KrmMap, type KrmValue } from '../../../krm/value.ts';
import { FunctionFault } from '../../define-function.ts';
import type { FieldSpec } from '../../field-specs.ts';
import { configData, describeKind, isConfigKind, isConfigMap } from '../../function-config.ts';

/** Which image, and what takes the place of its parts. */
export interface ImageChange {
  /** Name without tag and digest. */
  readonly name: string;
  readonly newName?: string;
  readonly newTag?: string;
  /** Wins over `newTag`. */
  readonly digest?: string;
}

export interface SetImageConfig {
  readonly change: ImageChange;
  /** Fields that hold an image, beside those of Kubernetes' own kinds. */
  readonly additionalFields: readonly FieldSpec[];
}

const FIELDS: readonly string[] = ['name', 'newName', 'newTag', 'digest'];

/** A ConfigMap, or `SetImage` with `image` and `additionalImageFields`. */
export function readSetImageConfig(config: KrmMap | undefined): SetImageConfig {
  if (config === undefined) throw new FunctionFault('`functionConfig` must be a `ConfigMap` or `SetImage`');
  if (isConfigMap(config)) {
    const data = configData(config);
    const unknown = Object.keys(data).find((key) => !FIELDS.includes(key));
    if (unknown !== undefined) throw new FunctionFault(`ConfigMap has wrong field name ${unknown}`);
    return { change: readChange(data), additionalFields: [] };
  }
  if (!isConfigKind(config, 'SetImage')) {
    throw new FunctionFault(
      `unknown functionConfig ${describeKind(config)}, expect \`SetImage\` or \`ConfigMap\` with correct formatting`,
    );
  }
  const { image = null, additionalImageFields: fields = [] } = config;
  if (!isList(fields)) throw new FunctionFault('`additionalImageFields` must be a list');
  return { change: readChange(image), additionalFields: fields.map(readField) };
}

function readChange(value: KrmValue): ImageChange {
  const part = (key: string) => {
    const found = isMap(value) ? value[key] : undefined;
    return found === undefined || found === null || found === '' ? undefined : String(found);
  };
  const [name, newName, newTag, digest] = FIELDS.map(part);
  if (name === undefined) throw new FunctionFault('must specify `name`');
  if (newName === undefined && newTag === undefined && digest === undefined) {
    throw new FunctionFault('must specify one of `newName`, `newTag`, or `digest`');
  }
  return { name, newName, newTag, digest };
}

function readField(field: KrmValue): FieldSpec {
  const part = (key: string) => getString(field, [key]) || undefined;
  const path = part('path');
  if (path === undefined) throw new FunctionFault('every one of `additionalImageFields` must have a `path`');
  return { group: part('group'), version: part('version'), kind: part('kind'), path };
}

import { getString, isList, type KrmMap, type KrmValue } from '../../../krm/value.ts';
import { FunctionFault } from '../../define-function.ts';
import type { FieldSpec } from '../../field-specs.ts';
import { configData, isConfigKind, isConfigMap, type StringMap, stringMap } from '../../function-config.ts';

export interface SetAnnotationsConfig {
  readonly annotations: StringMap;
  /** Fields beside those of Kubernetes' own kinds. */
  readonly additionalFields: readonly FieldSpec[];
}

/** A ConfigMap, or `SetAnnotations` (in old packages `SetAnnotationConfig`, its fields `fieldSpecs`). */
export function readSetAnnotationsConfig(config: KrmMap | undefined): SetAnnotationsConfig {
  const read = config === undefined ? undefined : readKnownKind(config);
  if (read === undefined) throw fault('`functionConfig` must be a `ConfigMap` or `SetAnnotations`');
  if (Object.keys(read.annotations).length === 0) throw fault('input annotation list cannot be empty');
  return read;
}

function readKnownKind(config: KrmMap): SetAnnotationsConfig | undefined {
  if (isConfigMap(config)) return { annotations: configData(config), additionalFields: [] };
  if (!isConfigKind(config, 'SetAnnotations') && !isConfigKind(config, 'SetAnnotationConfig')) return undefined;
  const { additionalAnnotationFields, fieldSpecs } = config;
  if (additionalAnnotationFields !== undefined && fieldSpecs !== undefined) {
    throw fault('`fieldSpecs` has been deprecated, please rename it to `additionalAnnotationFields`');
  }
  const fields = additionalAnnotationFields ?? fieldSpecs ?? [];
  if (!isList(fields)) throw fault('`additionalAnnotationFields` must be a list');
  return { annotations: stringMap(config.annotations, 'annotations'), additionalFields: fields.map(readField) };
}

function readField(field: KrmValue): FieldSpec {
  const path = getString(field, ['path']);
  if (!path) throw fault('every one of `additionalAnnotationFields` must have a `path`');
  const part = (key: string) => getString(field, [key]) || undefined;
  const create = (field as KrmMap).create === true;
  return {
    group: part('group'),
    version: part('version'),
    kind: part('kind'),
    path: path.replaceAll('[]/', '/[]/').replaceAll('//', '/'),
    create,
  };
}

function fault(message: string): FunctionFault {
  return new FunctionFault(`failed to configure function: ${message}`);
}

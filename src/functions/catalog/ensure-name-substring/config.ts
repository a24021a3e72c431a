import { getString, isList, type KrmMap, type KrmValue } from '../../../krm/value.ts';
import { FunctionFault } from '../../define-function.ts';
import type { FieldSpec } from '../../field-specs.ts';
import {
  configData,
  describeKind,
  FUNCTION_CONFIG_API_VERSION,
  isConfigKind,
  isConfigMap,
} from '../../function-config.ts';

export interface EnsureNameSubstringConfig {
  readonly substring: string;
  readonly editMode: 'prepend' | 'append';
  /** Fields that get the substring as names do. */
  readonly additionalFields: readonly FieldSpec[];
}

/** A ConfigMap with `prepend` or `append`, or `EnsureNameSubstring`. */
export function readEnsureNameSubstringConfig(config: KrmMap | undefined): EnsureNameSubstringConfig {
  if (config === undefined) throw fault('the functionConfig is missing');
  const read = isConfigMap(config) ? fromConfigMap(config) : fromOwnKind(config);
  if (read.substring === '') throw fault('substring must not be empty');
  return read;
}

function fromConfigMap(config: KrmMap): EnsureNameSubstringConfig {
  const entries = Object.entries(configData(config));
  const [entry] = entries;
  if (entry === undefined || entries.length !== 1) {
    throw fault(`only 1 entry is allowed in the ConfigMap, but got: ${entries.length}`);
  }
  return { substring: entry[1], editMode: readEditMode(entry[0]), additionalFields: [] };
}

function fromOwnKind(config: KrmMap): EnsureNameSubstringConfig {
  if (!isConfigKind(config, 'EnsureNameSubstring')) {
    throw fault(
      `function config must be either /v1, Kind=ConfigMap or ${FUNCTION_CONFIG_API_VERSION}, Kind=EnsureNameSubstring, but we got: ${describeKind(config)}`,
    );
  }
  const { additionalNameFields, fieldSpecs } = config;
  if (additionalNameFields !== undefined && fieldSpecs !== undefined) {
    throw fault('`fieldSpecs` has been deprecated, please rename it to `additionalNameFields`');
  }
  const fields = additionalNameFields ?? fieldSpecs ?? [];
  if (!isList(fields)) throw fault('`additionalNameFields` must be a list');
  return {
    substring: getString(config, ['substring']) ?? '',
    editMode: readEditMode(getString(config, ['editMode']) || 'prepend'),
    additionalFields: fields.map(readField),
  };
}

function readEditMode(mode: string): EnsureNameSubstringConfig['editMode'] {
  if (mode === 'prepend' || mode === 'append') return mode;
  throw fault(`unknown editMode: ${mode}, only prepend and append are allowed`);
}

function readField(field: KrmValue): FieldSpec {
  const part = (key: string) => getString(field, [key]) || undefined;
  const path = part('path');
  if (path === undefined) throw fault('every one of `additionalNameFields` must have a `path`');
  return { group: part('group'), version: part('version'), kind: part('kind'), path };
}

function fault(message: string): FunctionFault {
  return new FunctionFault(`failed to load the \`functionConfig\`: ${message}`);
}

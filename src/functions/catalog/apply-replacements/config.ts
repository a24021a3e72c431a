import { getIn, getString, isList, isMap, type KrmMap, type KrmValue } from '../../../krm/value.ts';
import { FunctionFault } from '../../define-function.ts';
import { FUNCTION_CONFIG_API_VERSION, isConfigKind } from '../../function-config.ts';
import type { LabelRequirement } from './label-selector.ts';
import { parseLabelSelector } from './label-selector.ts';

/** Which resources; a field that is absent matches all. */
export interface ResourceSelector {
  readonly group?: string;
  readonly version?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly labels: readonly LabelRequirement[];
  readonly annotations: readonly LabelRequirement[];
}

/** A part of a text: what `delimiter` splits off, by position. */
export interface FieldOptions {
  readonly delimiter?: string;
  readonly index: number;
  readonly create: boolean;
}

export interface Replacement {
  /** Either a field of a resource or a value that stands in the configuration itself. */
  readonly source:
    | { readonly select: ResourceSelector; readonly fieldPath: string; readonly options: FieldOptions }
    | string;
  readonly targets: readonly Target[];
}

export interface Target {
  readonly select: ResourceSelector;
  readonly reject: readonly ResourceSelector[];
  readonly fieldPaths: readonly string[];
  readonly options: FieldOptions;
}

const DEFAULT_FIELD_PATH = 'metadata.name';

/** `ApplyReplacements` with `replacements[]` as kustomize knows them. */
export function readReplacements(config: KrmMap | undefined): readonly Replacement[] {
  if (config === undefined) throw new FunctionFault('FunctionConfig is missing. Expect `ApplyReplacements`');
  if (!isConfigKind(config, 'ApplyReplacements')) {
    throw new FunctionFault(
      `received functionConfig of kind ${String(config.kind)} and apiVersion ${String(config.apiVersion)}, only functionConfig of kind ApplyReplacements and apiVersion ${FUNCTION_CONFIG_API_VERSION} is supported`,
    );
  }
  return list(config.replacements, 'replacements').map((value, at) => readReplacement(value, `replacements[${at}]`));
}

function readReplacement(value: KrmValue, at: string): Replacement {
  const source = readSource(value, at);
  const targets = list(getIn(value, ['targets']), `${at}.targets`);
  if (source === undefined || targets.length === 0) {
    throw new FunctionFault(`${at}: replacements must specify a source and at least one target`);
  }
  return { source, targets: targets.map((target, index) => readTarget(target, `${at}.targets[${index}]`)) };
}

function readSource(value: KrmValue, at: string): Replacement['source'] | undefined {
  const source = getIn(value, ['source']);
  if (source === undefined) return getString(value, ['sourceValue']);
  if (!isMap(source)) throw new FunctionFault(`${at}.source must be a map`);
  return {
    select: readSelector(source, `${at}.source`),
    fieldPath: getString(source, ['fieldPath']) || DEFAULT_FIELD_PATH,
    options: readOptions(source.options),
  };
}

function readTarget(value: KrmValue, at: string): Target {
  const select = getIn(value, ['select']);
  if (!isMap(select)) throw new FunctionFault(`${at}: target must specify resources to select`);
  const fieldPaths = list(getIn(value, ['fieldPaths']), `${at}.fieldPaths`).map(String);
  return {
    select: readSelector(select, `${at}.select`),
    reject: list(getIn(value, ['reject']), `${at}.reject`).map((item, index) =>
      readSelector(item, `${at}.reject[${index}]`),
    ),
    fieldPaths: fieldPaths.length === 0 ? [DEFAULT_FIELD_PATH] : fieldPaths,
    options: readOptions(getIn(value, ['options'])),
  };
}

function readSelector(value: KrmValue, at: string): ResourceSelector {
  const part = (key: string) => getString(value, [key]) || undefined;
  const apiVersion = part('apiVersion');
  const slash = apiVersion?.lastIndexOf('/') ?? -1;
  return {
    group: part('group') ?? (apiVersion === undefined ? undefined : apiVersion.slice(0, Math.max(0, slash))),
    version: part('version') ?? apiVersion?.slice(slash + 1),
    kind: part('kind'),
    name: part('name'),
    namespace: part('namespace'),
    labels: parseLabelSelector(part('labelSelector') ?? '', `${at}.labelSelector`),
    annotations: parseLabelSelector(part('annotationSelector') ?? '', `${at}.annotationSelector`),
  };
}

function readOptions(value: KrmValue | undefined): FieldOptions {
  const index = getIn(value, ['index']);
  return {
    delimiter: getString(value, ['delimiter']) || undefined,
    index: typeof index === 'number' ? index : 0,
    create: getIn(value, ['create']) === true,
  };
}

function list(value: KrmValue | undefined, at: string): readonly KrmValue[] {
  if (value === undefined || value === null) return [];
  if (!isList(value)) throw new FunctionFault(`${at} must be a list`);
  return value;
}

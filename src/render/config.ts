import { posix } from 'node:path';
import { TerminalError } from '../api/errors.ts';
import { isResource, parseKrmFile } from '../krm/file.ts';
import type { ConfigRef } from '../krm/function-spec.ts';
import { isLocalConfig, LOCAL_CONFIG_ANNOTATION } from '../krm/identity.ts';
import { getString, type KrmMap } from '../krm/value.ts';
import type { Package } from '../package/package.ts';
import { KPTFILE, ownerPackage, packageTree } from '../package/subpackages.ts';
import type { PipelineStep, RenderPackages } from './discovery.ts';
import { joinPath, type RenderItem } from './item.ts';

/** Configuration of a step as it is when the step starts. */
export interface StepConfig {
  readonly functionConfig?: KrmMap;
  /** Directory of the configuration's file, relative to its package, when it is one of the items; else ''. */
  readonly directory: string;
}

/** How steps get their configuration; made once, before any function runs. */
export interface StepConfigs {
  readonly warnings: readonly string[];
  /** @param items the items of the step's package and of those below, as the steps before left them */
  resolve(step: PipelineStep, items: readonly RenderItem[]): StepConfig;
}

/**
 * Reads the files that `configPath`s name and checks them.
 * @throws TerminalError InvalidFunctionConfig naming file, Kptfile and field: no such file in the step's own package,
 * more than one document, no resource
 */
export function readStepConfigs(pkg: Package, packages: RenderPackages): StepConfigs {
  const tree = packageTree(pkg);
  const configs = new Map<PipelineStep, KrmMap>();
  const applied = new Set<string>();
  for (const { mutators, validators } of packages.values()) {
    for (const step of [...mutators, ...validators]) {
      const path = configFile(step);
      if (path === undefined) continue;
      const config = readConfig(pkg, step, path, ownerPackage(tree, path));
      configs.set(step, config);
      if (!isLocalConfig(config)) applied.add(path);
    }
  }
  return {
    resolve: (step, items) => resolveConfig(step, items, configs.get(step)),
    warnings: [...applied].map(warnOfApplied),
  };
}

function warnOfApplied(path: string): string {
  return `${path} configures a function and has no annotation ${LOCAL_CONFIG_ANNOTATION}: "true"; who applies the package applies it too`;
}

/** File of a step's `configPath`, relative to the root package. */
function configFile({ spec, packagePath }: PipelineStep): string | undefined {
  if (spec.configPath === undefined) return undefined;
  return joinPath(packagePath, posix.normalize(spec.configPath));
}

function readConfig(pkg: Package, step: PipelineStep, path: string, owner: string): KrmMap {
  const file = pkg.get(path);
  if (file === undefined || owner !== step.packagePath) {
    const why = file === undefined ? 'there is no such file' : `it belongs to package ${JSON.stringify(owner)}`;
    throw invalidConfig(step, `the configuration must be a file of the package; ${path}: ${why}`);
  }
  const krmFile = parseKrmFile(path, file.bytes);
  const [problem] = krmFile.problems;
  if (problem !== undefined) throw invalidConfig(step, `${path}:${problem.line}: ${problem.message}`);
  const { documents } = krmFile;
  if (documents.length !== 1) throw invalidConfig(step, `${path} holds ${documents.length} documents instead of one`);
  const value = documents[0]?.value;
  if (!isResource(value)) throw invalidConfig(step, `${path}: a resource must have apiVersion and kind`);
  if (!getString(value, ['metadata', 'name'])) throw invalidConfig(step, `${path}: a resource must have metadata.name`);
  return value;
}

function resolveConfig(step: PipelineStep, items: readonly RenderItem[], read: KrmMap | undefined): StepConfig {
  const { spec, packagePath } = step;
  if (spec.configPath !== undefined) {
    const path = posix.normalize(spec.configPath);
    const found = items.filter((item) => item.packagePath === packagePath && item.path === path);
    if (found.length > 1) throw invalidConfig(step, `${path} holds ${found.length} documents instead of one`);
    const [item] = found;
    if (item === undefined) return { functionConfig: read, directory: '' };
    return { functionConfig: item.value, directory: configDirectory(path) };
  }
  if (spec.configRef !== undefined)
    return { functionConfig: findReferenced(step, spec.configRef, items), directory: '' };
  if (spec.configMap === undefined) return { directory: '' };
  const metadata = { name: 'function-input' };
  return { functionConfig: { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: spec.configMap }, directory: '' };
}

/** The one resource of the step's own package that a `configRef` names, as the steps before left it. */
function findReferenced(step: PipelineStep, ref: ConfigRef, items: readonly RenderItem[]): KrmMap {
  const matching = items.filter(({ packagePath, value }) => {
    return packagePath === step.packagePath && isReferenced(value, ref);
  });
  const [found] = matching;
  if (found !== undefined && matching.length === 1) return found.value;
  const wanted = [ref.apiVersion, ref.kind, ref.namespace, ref.name].filter((part) => part).join(' ');
  const places = matching.map(({ path }) => path).join(', ');
  const what = matching.length === 0 ? 'no resource' : `${matching.length} resources (${places})`;
  throw invalidConfig(step, `${what} of the package match ${wanted}; one must`, 'configRef');
}

function isReferenced(value: KrmMap, { apiVersion, kind, name, namespace }: ConfigRef): boolean {
  return (
    value.kind === kind &&
    getString(value, ['metadata', 'name']) === name &&
    (!apiVersion || value.apiVersion === apiVersion) &&
    (!namespace || getString(value, ['metadata', 'namespace']) === namespace)
  );
}

/** A folder called `functions` keeps configurations only: what they generate belongs beside it. */
function configDirectory(path: string): string {
  const directory = posix.dirname(path);
  const target = posix.basename(directory) === 'functions' ? posix.dirname(directory) : directory;
  return target === '.' ? '' : target;
}

function invalidConfig(step: PipelineStep, message: string, field = 'configPath'): TerminalError {
  const location = { file: joinPath(step.packagePath, KPTFILE), field: `${step.field}.${field}` };
  return new TerminalError('InvalidFunctionConfig', message, location);
}

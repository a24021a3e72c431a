import { TerminalError } from '../api/errors.ts';
import type { FunctionSpec } from '../krm/function-spec.ts';
import { type Kptfile, readKptfile } from '../krm/kptfile.ts';
import type { Package } from '../package/package.ts';
import { KPTFILE, packageTree } from '../package/subpackages.ts';
import { joinPath } from './item.ts';

/** A function of a pipeline and where it is written. */
export interface PipelineStep {
  readonly phase: 'mutator' | 'validator';
  readonly spec: FunctionSpec;
  /** Directory of the package whose pipeline it belongs to; '' is the root. */
  readonly packagePath: string;
  /** `pipeline.mutators[0]` */
  readonly field: string;
}

/** One package of the tree that is rendered. */
export interface RenderPackage {
  readonly directory: string;
  /** Directories of the direct subpackages, in plain string order. */
  readonly subpackages: readonly string[];
  /** Its own files that are not ignored, relative to the root package. */
  readonly files: readonly string[];
  readonly kptfile: Kptfile;
  readonly mutators: readonly PipelineStep[];
  readonly validators: readonly PipelineStep[];
  /** Some pipeline, its own or that of a package above, sees its resources. */
  readonly seenByFunctions: boolean;
}

/** By directory, each package before its subpackages. */
export type RenderPackages = ReadonlyMap<string, RenderPackage>;

/** Far above any Kptfile seen in the field, with room for a status. */
export const MAX_KPTFILE_BYTES = 4 * 1024 * 1024;
/** Functions of all pipelines of a package together. */
export const MAX_FUNCTIONS = 5000;

/**
 * Reads the Kptfiles of a package and its subpackages, all of them before any function runs.
 * @throws TerminalError InvalidKptfile with file, line and field
 */
export function discoverPackages(pkg: Package): RenderPackages {
  const packages = new Map<string, RenderPackage>();
  for (const node of packageTree(pkg).values()) {
    const { directory, subpackages, files, parent } = node;
    const kptfile = openKptfile(pkg, directory);
    const mutators = pipelineSteps(kptfile.mutators, 'mutator', directory);
    const validators = pipelineSteps(kptfile.validators, 'validator', directory);
    const seenByFunctions =
      mutators.length + validators.length > 0 ||
      (parent !== undefined && packages.get(parent)?.seenByFunctions === true);
    packages.set(directory, { directory, subpackages, files, kptfile, mutators, validators, seenByFunctions });
  }
  checkFunctionCount(packages);
  return packages;
}

function checkFunctionCount(packages: RenderPackages): void {
  const counts = [...packages.values()].map(({ mutators, validators }) => mutators.length + validators.length);
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total <= MAX_FUNCTIONS) return;
  const message = `the pipelines hold ${total} functions; ${MAX_FUNCTIONS} are the limit`;
  throw new TerminalError('InvalidKptfile', message, { file: KPTFILE, field: 'pipeline' });
}

function openKptfile(pkg: Package, directory: string): Kptfile {
  const path = joinPath(directory, KPTFILE);
  const bytes = pkg.get(path)?.bytes ?? new Uint8Array();
  if (bytes.byteLength > MAX_KPTFILE_BYTES) {
    const message = `the Kptfile has ${bytes.byteLength} bytes; ${MAX_KPTFILE_BYTES} are the limit`;
    throw new TerminalError('InvalidKptfile', message, { file: path });
  }
  const { kptfile } = readKptfile(path, bytes);
  if (kptfile.name !== '') return kptfile;
  const message = 'the Kptfile must have a name';
  throw new TerminalError('InvalidKptfile', message, { file: path, field: 'metadata.name' });
}

function pipelineSteps(
  specs: readonly FunctionSpec[],
  phase: PipelineStep['phase'],
  packagePath: string,
): PipelineStep[] {
  return specs.map((spec, index) => ({ phase, spec, packagePath, field: `pipeline.${phase}s[${index}]` }));
}

/** `the root package` or `package "db"`, for messages. */
export function describePackage(directory: string): string {
  return directory === '' ? 'the root package' : `package ${JSON.stringify(directory)}`;
}

/** `function "set-labels:latest" of package "db"`, for messages that say the field elsewhere. */
export function describeStep(step: PipelineStep): string {
  const what = step.spec.name ?? step.spec.image ?? step.spec.exec ?? '';
  return `function ${JSON.stringify(what)} of ${describePackage(step.packagePath)}`;
}

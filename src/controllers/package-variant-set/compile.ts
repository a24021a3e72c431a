import type { PackageVariantSet } from '../../api/kinds.ts';
import { type Diagnostic, describeDiagnostics, validateManifest } from '../../api/validate.ts';
import { type Compile, type CompiledTemplate, compileTemplate } from './template.ts';
import type { TargetFault } from './types.ts';

/** What a generation of a set asks for, checked and compiled once. */
export interface CompiledSet {
  readonly uid: string;
  readonly generation: number;
  /** What is wrong with the set as a whole: nothing is done. */
  readonly faults: readonly Diagnostic[];
  readonly targets: readonly CompiledTarget[];
}

export interface CompiledTarget {
  /** Absent where there is no template, or one with faults. */
  readonly template?: CompiledTemplate;
  /** What is wrong with this target: the others go on. */
  readonly fault?: TargetFault;
}

/** @param compile of the expressions; needed only for a set that {@link hasExpressions} */
export function compileSet(set: PackageVariantSet, compile: Compile): CompiledSet {
  const { uid = '', generation = 0 } = set.metadata;
  // An object may be older than the rules of the CRD, so they are checked once more.
  const diagnostics = validateManifest(set);
  const targets = (set.spec?.targets ?? []).map((target, index): CompiledTarget => {
    const path = `spec.targets[${index}]`;
    const wrong = diagnostics.filter(({ field }) => isWithin(field, path));
    if (wrong.length > 0) return { fault: validationFault(path, wrong) };
    if (!target.template) return {};
    const { template, faults } = compileTemplate(target.template, `${path}.template`, compile);
    return faults.length > 0 ? { fault: validationFault(path, faults) } : { template };
  });
  const ofTargets = /^spec\.targets\[\d+\]/;
  return { uid, generation, targets, faults: diagnostics.filter(({ field }) => !ofTargets.test(field)) };
}

/** Whether any template has an expression: the evaluator takes long to load. */
export function hasExpressions({ spec }: PackageVariantSet): boolean {
  return (spec?.targets ?? []).some(({ template }) => holdsExpression(template));
}

function holdsExpression(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(holdsExpression);
  return Object.entries(value).some(([key, child]) => /Exprs?$/.test(key) || holdsExpression(child));
}

function isWithin(field: string, path: string): boolean {
  return field === path || field.startsWith(`${path}.`);
}

function validationFault(target: string, faults: readonly Diagnostic[]): TargetFault {
  return { target, reason: 'ValidationError', message: describeDiagnostics(faults), passes: false };
}

import { errorMessage, TerminalError } from '../../api/errors.ts';
import type { PackageContext, PackageFunction, PackageVariantSpec } from '../../api/generated/package-variant.ts';
import type { FunctionTemplate, MapExpr, VariantTemplate } from '../../api/generated/package-variant-set.ts';
import type { Diagnostic } from '../../api/validate.ts';
import type { Meter } from '../../krm/cel/meter.ts';
import type { Bindings } from '../../krm/cel/program.ts';
import type { TextExpression } from '../../krm/cel/text.ts';

/** Names that expressions know. `repository` is not known yet where the repository is computed. */
const REPO_VARIABLES = ['repoDefault', 'packageDefault', 'upstream', 'target'];
const VARIABLES = [...REPO_VARIABLES, 'repository'];

/** @throws CelFault */
export type Compile = (source: string, variables: readonly string[]) => TextExpression;

export interface Evaluation {
  readonly bindings: Bindings;
  /** Of all evaluations of the set. */
  readonly meter: Meter;
}

/** A template whose expressions are compiled. Every method throws TerminalError ExpressionFailed with the template path. */
export interface CompiledTemplate {
  /** Whether the template cannot be filled in without the upstream revision. */
  readonly usesUpstream: boolean;
  /** The downstream repository, or undefined for the target's own. */
  repo(evaluation: Evaluation): string | undefined;
  package(evaluation: Evaluation): string | undefined;
  /** All of the variant's spec but upstream and downstream. */
  spec(evaluation: Evaluation): Partial<PackageVariantSpec>;
}

/**
 * Compiles all expressions of a template once, for all targets and reconciles of one generation.
 * @returns the template and what is wrong with it, each fault with its path
 */
export function compileTemplate(
  template: VariantTemplate,
  path: string,
  compile: Compile,
): { readonly template: CompiledTemplate; readonly faults: readonly Diagnostic[] } {
  const compiler = new TemplateCompiler(compile);
  const { downstream = {}, adoptionPolicy, deletionPolicy, approval, upgradeStrategy, revisionHistoryLimit } = template;
  const repo = compiler.text(downstream.repo, downstream.repoExpr, `${path}.downstream.repoExpr`, REPO_VARIABLES);
  const pkg = compiler.text(downstream.package, downstream.packageExpr, `${path}.downstream.packageExpr`);
  const labels = compiler.map(template.labels, template.labelExprs, `${path}.labelExprs`);
  const annotations = compiler.map(template.annotations, template.annotationExprs, `${path}.annotationExprs`);
  const context = contextTemplate(template, `${path}.packageContext`, compiler);
  const pipeline = pipelineTemplate(template, `${path}.pipeline`, compiler);
  const injectors = injectorsTemplate(template, `${path}.injectors`, compiler);
  return {
    faults: compiler.faults,
    template: {
      usesUpstream: compiler.variables.has('upstream'),
      repo: (evaluation) => repo(evaluation) || undefined,
      package: (evaluation) => pkg(evaluation) || undefined,
      spec: (evaluation) => ({
        ...(adoptionPolicy ? { adoptionPolicy } : {}),
        ...(deletionPolicy ? { deletionPolicy } : {}),
        ...nonEmpty('labels', labels(evaluation)),
        ...nonEmpty('annotations', annotations(evaluation)),
        ...context(evaluation),
        ...pipeline(evaluation),
        ...injectors(evaluation),
        ...(approval ? { approval } : {}),
        ...(upgradeStrategy ? { upgradeStrategy } : {}),
        ...(revisionHistoryLimit === undefined ? {} : { revisionHistoryLimit }),
      }),
    },
  };
}

type Part<T> = (evaluation: Evaluation) => T;
type TextMap = Readonly<Record<string, string>>;

/** Compiles the parts of a template and keeps what is wrong with them. */
class TemplateCompiler {
  readonly faults: Diagnostic[] = [];
  readonly variables = new Set<string>();
  readonly #compile: Compile;

  constructor(compile: Compile) {
    this.#compile = compile;
  }

  /** A literal and an expression for one field; what the expression gives counts unless it is empty. */
  text(
    literal: string | undefined,
    source: string | undefined,
    field: string,
    variables: readonly string[] = VARIABLES,
  ): Part<string> {
    if (source === undefined) return () => literal ?? '';
    const expression = this.expression(source, field, variables);
    return (evaluation) => expression(evaluation) || (literal ?? '');
  }

  expression(source: string, field: string, variables: readonly string[] = VARIABLES): Part<string> {
    let expression: TextExpression;
    try {
      expression = this.#compile(source, variables);
    } catch (error) {
      this.faults.push({ field, message: errorMessage(error) });
      return () => '';
    }
    for (const name of expression.variables) this.variables.add(name);
    return ({ bindings, meter }) => {
      try {
        return expression.evaluate(bindings, meter);
      } catch (error) {
        throw new TerminalError('ExpressionFailed', errorMessage(error), { field, cause: error });
      }
    };
  }

  /** A literal map with computed entries laid over it, the later ones over the earlier ones. */
  map(literal: TextMap | undefined, entries: readonly MapExpr[] | undefined, path: string): Part<TextMap> {
    const parts = (entries ?? []).map(({ key, keyExpr, value, valueExpr }, index) => ({
      field: `${path}[${index}]`,
      key: this.text(key, keyExpr, `${path}[${index}].keyExpr`),
      value: this.text(value, valueExpr, `${path}[${index}].valueExpr`),
    }));
    return (evaluation) => {
      const map = new Map(Object.entries(literal ?? {}));
      for (const { field, key, value } of parts) map.set(nonEmptyKey(key(evaluation), field), value(evaluation));
      return Object.fromEntries(map);
    };
  }
}

function nonEmptyKey(key: string, field: string): string {
  if (key === '') throw new TerminalError('ExpressionFailed', 'the key is empty', { field });
  return key;
}

/** A template that says anything about the context always gives one, if an empty one. */
function contextTemplate(
  { packageContext }: VariantTemplate,
  path: string,
  compiler: TemplateCompiler,
): Part<{ readonly packageContext?: PackageContext }> {
  if (!packageContext) return () => ({});
  const data = compiler.map(packageContext.data, packageContext.dataExprs, `${path}.dataExprs`);
  const computed = (packageContext.removeKeyExprs ?? []).map((source, index) =>
    compiler.expression(source, `${path}.removeKeyExprs[${index}]`),
  );
  return (evaluation) => {
    const keys = new Set([...(packageContext.removeKeys ?? []), ...computed.map((key) => key(evaluation))]);
    const removeKeys = [...keys].sort();
    return {
      packageContext: { ...nonEmpty('data', data(evaluation)), ...(removeKeys.length > 0 ? { removeKeys } : {}) },
    };
  };
}

function pipelineTemplate(
  { pipeline }: VariantTemplate,
  path: string,
  compiler: TemplateCompiler,
): Part<Pick<PackageVariantSpec, 'pipeline'>> {
  const lists = (['mutators', 'validators'] as const).flatMap((list) => {
    const functions = pipeline?.[list] ?? [];
    const parts = functions.map((fn, index) => functionTemplate(fn, `${path}.${list}[${index}]`, compiler));
    return parts.length > 0 ? [{ list, parts }] : [];
  });
  if (lists.length === 0) return () => ({});
  return (evaluation) => ({
    pipeline: Object.fromEntries(lists.map(({ list, parts }) => [list, parts.map((part) => part(evaluation))])),
  });
}

function functionTemplate(
  { configMapExprs, ...fn }: FunctionTemplate,
  path: string,
  compiler: TemplateCompiler,
): Part<PackageFunction> {
  if (!configMapExprs?.length) return () => fn;
  const configMap = compiler.map(fn.configMap, configMapExprs, `${path}.configMapExprs`);
  return (evaluation) => ({ ...fn, configMap: configMap(evaluation) });
}

function injectorsTemplate(
  { injectors = [] }: VariantTemplate,
  path: string,
  compiler: TemplateCompiler,
): Part<Pick<PackageVariantSpec, 'injectors'>> {
  if (injectors.length === 0) return () => ({});
  const parts = injectors.map(({ name: literal, nameExpr, ...kind }, index) => {
    const field = `${path}[${index}].nameExpr`;
    const name = compiler.text(literal, nameExpr, field);
    return (evaluation: Evaluation) => ({ ...kind, name: nonEmptyName(name(evaluation), field) });
  });
  return (evaluation) => ({ injectors: parts.map((part) => part(evaluation)) });
}

function nonEmptyName(name: string, field: string): string {
  if (name === '') throw new TerminalError('ExpressionFailed', 'the name is empty', { field });
  return name;
}

function nonEmpty<K extends string>(name: K, map: TextMap): { readonly [key in K]?: TextMap } {
  return Object.keys(map).length > 0 ? ({ [name]: map } as { readonly [key in K]: TextMap }) : {};
}

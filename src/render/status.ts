import { VerandaError } from '../api/errors.ts';
import { editKptfile } from '../krm/kptfile.ts';
import { defined, resultMap } from '../krm/resource-list.ts';
import { getIn, isList, isMap, type KrmMap, type KrmValue, setIn, valuesEqual } from '../krm/value.ts';
import type { Package } from '../package/package.ts';
import { KPTFILE } from '../package/subpackages.ts';
import type { RenderReport, RenderStep } from './types.ts';

const CONDITION = 'Rendered';

/**
 * Writes how a render went into the root Kptfile: condition `Rendered`, last in the list, and `status.renderStatus`.
 *
 * A status says how the content came to be, so a render that changes nothing leaves it alone when the same functions
 * ran and succeeded then: what they tell the second time ("nothing changed") would only make a difference where there
 * is none. A Kptfile that cannot be read stays as it is.
 * @param source what was rendered
 * @param rendered what came out
 */
export function writeStatus(source: Package, rendered: Package, report: RenderReport): Package {
  const file = rendered.get(KPTFILE);
  if (file === undefined) return rendered;
  try {
    const bytes = editKptfile(KPTFILE, file.bytes, (kptfile) => withStatus(kptfile, report, rendered === source));
    return bytes === file.bytes ? rendered : rendered.edit([[KPTFILE, { bytes, mode: file.mode }]]);
  } catch (error) {
    if (error instanceof VerandaError && error.retry === 'terminal') return rendered;
    throw error;
  }
}

function withStatus(kptfile: KrmMap, report: RenderReport, unchanged: boolean): KrmMap {
  const before = isMap(kptfile.status) ? kptfile.status : {};
  const conditions = isList(before.conditions) ? before.conditions : [];
  const others = conditions.filter((item) => getIn(item, ['type']) !== CONDITION);
  const { renderStatus: _renderStatus, ...rest } = before;
  const renderStatus = toRenderStatus(report);
  const status: KrmMap = {
    ...rest,
    conditions: [...others, toCondition(report)],
    ...(renderStatus === undefined ? {} : { renderStatus }),
  };
  if (valuesEqual(before, status)) return kptfile;
  if (unchanged && report.failure === undefined && valuesEqual(outline(before), outline(status))) return kptfile;
  return setIn(kptfile, ['status'], status);
}

function toCondition({ failure }: RenderReport): KrmMap {
  if (failure === undefined) return { type: CONDITION, status: 'True', reason: 'RenderSuccess' };
  return { type: CONDITION, status: 'False', reason: 'RenderFailed', message: failure.message };
}

function toRenderStatus({ steps }: RenderReport): KrmMap | undefined {
  if (steps.length === 0) return undefined;
  const mutationSteps = steps.filter((step) => step.phase === 'mutator').map(toStepResult);
  const validationSteps = steps.filter((step) => step.phase === 'validator').map(toStepResult);
  const errorSummary = steps.flatMap(summary).join('\n');
  return {
    ...(mutationSteps.length === 0 ? {} : { mutationSteps }),
    ...(validationSteps.length === 0 ? {} : { validationSteps }),
    ...(errorSummary === '' ? {} : { errorSummary }),
  };
}

function summary(step: RenderStep): string[] {
  if (step.exitCode === 0 && step.executionError === undefined) return [];
  return [`${step.name ?? step.image ?? step.exec ?? ''}: ${step.executionError ?? `exit code ${step.exitCode}`}`];
}

function toStepResult(step: RenderStep): KrmMap {
  const results = step.results.map(resultMap);
  const errorResults = step.results.filter((result) => result.severity === 'error').map(resultMap);
  return defined({
    name: step.name,
    image: step.image,
    exec: step.exec,
    when: step.when,
    skipped: step.skipped,
    executionError: step.executionError,
    stderr: step.stderr,
    exitCode: step.exitCode,
    results: results.length === 0 ? undefined : results,
    errorResults: errorResults.length === 0 ? undefined : errorResults,
  });
}

/** A status without what functions told. */
function outline(status: KrmMap): KrmValue {
  const steps = (phase: string) => {
    const list = getIn(status, ['renderStatus', phase]);
    return isList(list) ? list.map(stepOutline) : null;
  };
  const conditions = status.conditions ?? null;
  return { conditions, mutationSteps: steps('mutationSteps'), validationSteps: steps('validationSteps') };
}

function stepOutline(step: KrmValue): KrmValue {
  const part = (key: string) => getIn(step, [key]) ?? null;
  return {
    name: part('name'),
    image: part('image'),
    exec: part('exec'),
    when: part('when'),
    skipped: part('skipped'),
    exitCode: part('exitCode'),
  };
}

import { TerminalError } from '../api/errors.ts';
import { KPTFILE } from '../package/subpackages.ts';
import type { PipelineStep } from './discovery.ts';
import { joinPath, type RenderItem } from './item.ts';

/**
 * Whether a step is to run: what its CEL condition says of the resources that its function would get.
 * @throws TerminalError InvalidCondition naming Kptfile and field
 */
export async function conditionHolds(step: PipelineStep, given: readonly RenderItem[]): Promise<boolean> {
  const { when } = step.spec;
  if (!when) return true;
  // Few packages have conditions, and loading the evaluator takes longer than rendering a small package.
  const { compileCondition } = await import('../krm/cel/condition.ts');
  try {
    return compileCondition(when).holds(given.map(({ value }) => value));
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    const location = { file: joinPath(step.packagePath, KPTFILE), field: `${step.field}.when` };
    throw new TerminalError(error.reason, error.message, { ...location, cause: error });
  }
}

import { resolve } from 'node:path';
import { describeError } from '../api/errors.ts';
import { PACKAGE_REVISION, PACKAGE_VARIANT, REPOSITORY } from '../api/kinds.ts';
import { type KubeObject, objectLabel } from '../api/object.ts';
import type { KindRef } from '../kube/store.ts';
import { createLogger } from '../observability/logger.ts';
import { sanitiseText } from '../observability/sanitise.ts';
import { type CliContext, EXIT } from './context.ts';
import { LocalOperator } from './local-operator.ts';
import { type LoadedObject, loadManifests } from './manifests.ts';
import { formatReport, isAllReady, type OutputFormat, type RunReport } from './report.ts';

export const OUTPUT_FORMATS = ['table', 'json', 'yaml'] as const satisfies readonly OutputFormat[];

export interface RunOptions {
  readonly filename: readonly string[];
  readonly workspace: string;
  readonly output: OutputFormat;
  /** Seconds. */
  readonly timeout: number;
}

/** Carries manifests to the end without a cluster: the operator's own controllers on a store in this process. */
export async function runCommand(options: RunOptions, context: CliContext): Promise<number> {
  const { objects, errors } = await loadManifests(options.filename.map((path) => resolve(context.cwd, path)));
  const operator = new LocalOperator({
    workspace: resolve(context.cwd, options.workspace),
    logger: createLogger({ level: 'error', format: 'plain', stream: context.stderr }),
  });
  const faults = errors.map((error) => sanitiseText(describeError(error)));
  const signal = AbortSignal.timeout(options.timeout * 1000);
  try {
    for (const loaded of objects) faults.push(...(await admit(operator, loaded)));
    await operator.settle(signal);
  } catch (error) {
    faults.push(signal.aborted ? `not done after ${options.timeout} s; the table shows what is missing` : describeError(error));
  } finally {
    await operator.stop();
  }
  const report = { ...(await collect(operator, objects)), errors: faults };
  for (const fault of faults) context.stderr.write(`error: ${sanitiseText(fault)}\n`);
  context.stdout.write(formatReport(report, options.output));
  await operator.saveStatus(report);
  return isAllReady(report) ? EXIT.ok : EXIT.failed;
}

async function admit(operator: LocalOperator, { object, file, line }: LoadedObject): Promise<string[]> {
  try {
    await operator.apply(object);
    return [];
  } catch (error) {
    return [`${file}:${line}: ${describeError(error)}`];
  }
}

/** The objects of the manifests as the store has them now, in the order of the files. */
async function collect(operator: LocalOperator, loaded: readonly LoadedObject[]): Promise<Omit<RunReport, 'errors'>> {
  const named = new Set(loaded.map(({ object }) => objectLabel(object)));
  const pick = async <T extends KubeObject>(kind: KindRef<T>): Promise<readonly T[]> =>
    (await operator.store.list(kind)).items.filter((item) => named.has(objectLabel(item)));
  return {
    repositories: await pick(REPOSITORY),
    variants: await pick(PACKAGE_VARIANT),
    revisions: await pick(PACKAGE_REVISION),
  };
}

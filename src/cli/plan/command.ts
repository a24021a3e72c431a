import { resolve } from 'node:path';
import { describeError, TerminalError } from '../../api/errors.ts';
import { PACKAGE_REVISION, PACKAGE_VARIANT, PACKAGE_VARIANT_SET, REPOSITORY } from '../../api/kinds.ts';
import { objectKey } from '../../api/object.ts';
import { createLogger } from '../../observability/logger.ts';
import { sanitiseText } from '../../observability/sanitise.ts';
import { type CliContext, EXIT } from '../context.ts';
import { LocalOperator } from '../local-operator.ts';
import { ManifestSet } from '../manifest-set.ts';
import { hasColour, ProgressOutput } from '../output.ts';
import { describeFault, type OutputFormat } from '../report.ts';
import { Workspace } from '../workspace.ts';
import { obstacleOf, plannedChange } from './changes.ts';
import { formatPlan, type PlanReport } from './format.ts';
import { PlannedStores } from './planned-stores.ts';

export interface PlanOptions {
  readonly filename: readonly string[];
  readonly workspace: string;
  readonly output: OutputFormat;
  readonly diff: boolean;
  readonly detailedExitcode?: boolean;
  readonly timeout: number;
}

/** With `--detailed-exitcode`: there is something to do. */
const EXIT_CHANGES = 3;

/**
 * Carries manifests out on repositories that only pretend to be written, by the very controllers that would do it, and tells what
 * became of them.
 * @throws TerminalError WorkspaceLocked, Timeout
 */
export async function planCommand(options: PlanOptions, context: CliContext): Promise<number> {
  const workspace = await Workspace.open(resolve(context.cwd, options.workspace));
  try {
    const report = await makePlan(options, context, workspace.mirrors);
    const { output: format, diff } = options;
    for (const error of report.errors) context.stderr.write(`error: ${describeFault(error, context.cwd)}\n`);
    context.stdout.write(formatPlan(report, { format, diff, colour: hasColour(context) }));
    if (report.errors.length + report.obstacles.length > 0) return EXIT.failed;
    return options.detailedExitcode && report.changes.length > 0 ? EXIT_CHANGES : EXIT.ok;
  } finally {
    await workspace.close();
  }
}

async function makePlan(options: PlanOptions, context: CliContext, mirrors: string): Promise<PlanReport> {
  const stores = new PlannedStores();
  const progress = new ProgressOutput(context);
  const operator = new LocalOperator({
    mirrors,
    events: { write: async () => undefined },
    onChange: () => undefined,
    logger: createLogger({ level: 'error', format: 'plain', stream: progress.stream() }),
    open: { openStore: stores.open },
  });
  const manifests = new ManifestSet(
    options.filename.map((path) => resolve(context.cwd, path)),
    operator,
  );
  const deadline = AbortSignal.timeout(options.timeout * 1000);
  const signal = AbortSignal.any([deadline, context.signal]);
  try {
    await manifests.load();
    if (manifests.objects.length === 0 && manifests.errors.length === 0) {
      throw new TerminalError('NoManifests', 'no objects in *.yaml, *.yml or *.json');
    }
    await operator.start(signal);
    await operator.settle(signal, 0);
    return await collect(operator, stores, manifests);
  } catch (error) {
    if (!deadline.aborted) throw error;
    throw new TerminalError('Timeout', `no plan after ${options.timeout} s: ${sanitiseText(describeError(error))}`);
  } finally {
    await operator.stop();
  }
}

async function collect(operator: LocalOperator, stores: PlannedStores, manifests: ManifestSet): Promise<PlanReport> {
  const variants = await operator.list(PACKAGE_VARIANT);
  const byKey = new Map(variants.map((variant) => [objectKey(variant.metadata), variant]));
  const changes = [];
  for (const revision of await operator.list(PACKAGE_REVISION)) {
    const change = await plannedChange(revision, byKey, stores);
    if (change) changes.push(change);
  }
  changes.sort((a, b) => (a.revision < b.revision ? -1 : 1));
  const named = [...(await operator.list(REPOSITORY)), ...(await operator.list(PACKAGE_VARIANT_SET)), ...variants];
  const obstacles = named.map(obstacleOf).filter((obstacle) => obstacle !== undefined);
  const touched = new Set(changes.map(({ variant }) => variant));
  const stuck = new Set(obstacles.map(({ object }) => object));
  const unchanged = variants.filter(
    ({ kind, metadata }) => !touched.has(objectKey(metadata)) && !stuck.has(`${kind} ${objectKey(metadata)}`),
  );
  return { changes, obstacles, unchanged: unchanged.length, errors: manifests.errors };
}

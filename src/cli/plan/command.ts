import { resolve } from 'node:path';
import { describeError, TerminalError } from '../../api/errors.ts';
import { createLogger, type Logger } from '../../observability/logger.ts';
import { sanitiseText } from '../../observability/sanitise.ts';
import { type CliContext, EXIT } from '../context.ts';
import { LocalOperator } from '../local-operator.ts';
import { ManifestSet } from '../manifest-set.ts';
import { hasColour, ProgressOutput } from '../output.ts';
import { describeFault, type OutputFormat } from '../report.ts';
import { Workspace } from '../workspace.ts';
import type { ClusterOptions, PlannedCluster } from './cluster.ts';
import { formatPlan, type PlanReport } from './format.ts';
import { PlannedStores } from './planned-stores.ts';
import { collectPlan, GoneRevisions } from './report.ts';

export interface PlanOptions extends ClusterOptions {
  /** Absent only with `cluster`. */
  readonly filename?: readonly string[];
  /** The objects of a cluster, with the manifests laid over them. */
  readonly cluster?: boolean;
  readonly workspace: string;
  readonly output: OutputFormat;
  readonly diff: boolean;
  readonly detailedExitcode?: boolean;
  readonly timeout: number;
}

/** With `--detailed-exitcode`: there is something to do. */
const EXIT_CHANGES = 3;

/**
 * Carries manifests, or the objects of a cluster, out on repositories that only pretend to be written, by the very controllers that
 * would do it, and tells what became of them.
 * @throws TerminalError WorkspaceLocked, Timeout, InvalidKubeconfig, Forbidden
 */
export async function planCommand(options: PlanOptions, context: CliContext): Promise<number> {
  const workspace = await Workspace.open(resolve(context.cwd, options.workspace));
  try {
    const report = await makePlan(options, context, workspace.mirrors);
    const { output: format, diff } = options;
    for (const error of report.errors) context.stderr.write(`error: ${describeFault(error, context.cwd)}\n`);
    context.stdout.write(formatPlan(report, { format, diff, colour: hasColour(context) }));
    if (report.errors.length + report.obstacles.length > 0) return EXIT.failed;
    const isChange = report.changes.length + (report.variants?.length ?? 0) > 0;
    return options.detailedExitcode && isChange ? EXIT_CHANGES : EXIT.ok;
  } finally {
    await workspace.close();
  }
}

async function makePlan(options: PlanOptions, context: CliContext, mirrors: string): Promise<PlanReport> {
  const progress = new ProgressOutput(context);
  const logger = createLogger({ level: 'error', format: 'plain', stream: progress.stream() });
  const deadline = AbortSignal.timeout(options.timeout * 1000);
  const signal = AbortSignal.any([deadline, context.signal]);
  const cluster = options.cluster ? await connect(options, context, logger) : undefined;
  try {
    return await new Planning({ options, context, mirrors, logger, cluster }).run(signal);
  } catch (error) {
    if (!deadline.aborted) throw error;
    const cause = sanitiseText(describeError(error));
    throw new TerminalError('Timeout', `no plan after ${options.timeout} s: ${cause}`);
  } finally {
    await cluster?.close();
  }
}

/** Loaded only here: it takes a while. */
async function connect(options: PlanOptions, context: CliContext, logger: Logger): Promise<PlannedCluster> {
  const { PlannedCluster: cluster } = await import('./cluster.ts');
  return await cluster.connect(options, context, logger);
}

interface Parts {
  readonly options: PlanOptions;
  readonly context: CliContext;
  readonly mirrors: string;
  readonly logger: Logger;
  readonly cluster: PlannedCluster | undefined;
}

/** One plan: operator, repositories and manifests. */
class Planning {
  readonly #parts: Parts;
  readonly #stores = new PlannedStores();
  readonly #gone = new GoneRevisions();
  readonly #operator: LocalOperator;
  readonly #manifests: ManifestSet;

  constructor(parts: Parts) {
    const { options, context, mirrors, logger, cluster } = parts;
    this.#parts = parts;
    this.#operator = new LocalOperator({
      mirrors,
      events: { write: async () => undefined },
      onChange: (change) => this.#gone.note(change),
      logger,
      open: { openStore: this.#stores.open },
      ...(cluster ? { allowLocal: false, surroundings: (given) => cluster.surroundings(given) } : {}),
    });
    this.#manifests = new ManifestSet(
      (options.filename ?? []).map((path) => resolve(context.cwd, path)),
      cluster?.target(this.#operator) ?? this.#operator,
      cluster?.namespace,
    );
  }

  async run(signal: AbortSignal): Promise<PlanReport> {
    const { cluster, context } = this.#parts;
    try {
      await cluster?.seed(this.#operator, signal);
      for (const kind of cluster?.notServed ?? []) {
        context.stderr.write(`warning: the cluster does not serve ${kind}: there are none\n`);
      }
      await this.#manifests.load();
      if (!cluster && this.#manifests.objects.length === 0 && this.#manifests.errors.length === 0) {
        throw new TerminalError('NoManifests', 'no objects in *.yaml, *.yml or *.json');
      }
      await this.#operator.start(signal);
      await this.#operator.settle(signal, 0);
      return await collectPlan({
        operator: this.#operator,
        stores: this.#stores,
        gone: this.#gone,
        manifests: this.#manifests,
        before: cluster?.variants,
      });
    } finally {
      await this.#operator.stop();
    }
  }
}

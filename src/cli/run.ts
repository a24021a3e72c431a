import { resolve } from 'node:path';
import { describeError, TerminalError } from '../api/errors.ts';
import { PACKAGE_REVISION, PACKAGE_VARIANT, PACKAGE_VARIANT_SET, REPOSITORY } from '../api/kinds.ts';
import { objectLabel } from '../api/object.ts';
import { createLogger } from '../observability/logger.ts';
import { sanitiseText } from '../observability/sanitise.ts';
import { type CliContext, EXIT } from './context.ts';
import { LocalOperator } from './local-operator.ts';
import { ManifestSet } from './manifest-set.ts';
import { RunObserver } from './observer.ts';
import { hasColour, ProgressOutput } from './output.ts';
import {
  describeFault,
  describeWarning,
  formatReport,
  isAllReady,
  type OutputFormat,
  type ReportedError,
  type RunReport,
} from './report.ts';
import { watchManifests } from './watch.ts';
import { Workspace } from './workspace.ts';

export interface RunOptions {
  readonly filename: readonly string[];
  readonly workspace: string;
  readonly output: OutputFormat;
  readonly watch?: boolean;
  /** Seconds; not with `watch`. */
  readonly timeout: number;
}

/**
 * Carries manifests to the end without a cluster: the operator's own controllers on a store in this process.
 * @throws TerminalError WorkspaceLocked
 */
export async function runCommand(options: RunOptions, context: CliContext): Promise<number> {
  const workspace = await Workspace.open(resolve(context.cwd, options.workspace));
  try {
    const run = new Run(options, context, workspace);
    return isAllReady(await (options.watch ? run.watch() : run.once())) ? EXIT.ok : EXIT.failed;
  } finally {
    await workspace.close();
  }
}

class Run {
  readonly #options: RunOptions;
  readonly #context: CliContext;
  readonly #workspace: Workspace;
  readonly #progress: ProgressOutput;
  readonly #observer: RunObserver;
  readonly #operator: LocalOperator;
  readonly #manifests: ManifestSet;
  #told: ReadonlySet<string> = new Set();

  constructor(options: RunOptions, context: CliContext, workspace: Workspace) {
    this.#options = options;
    this.#context = context;
    this.#workspace = workspace;
    this.#progress = new ProgressOutput(context);
    this.#observer = new RunObserver(this.#progress);
    this.#operator = new LocalOperator({
      mirrors: workspace.mirrors,
      events: this.#observer,
      onChange: (change) => this.#observer.changed(change),
      logger: createLogger({ level: 'error', format: 'plain', stream: this.#progress.stream() }),
    });
    const paths = options.filename.map((path) => resolve(context.cwd, path));
    this.#manifests = new ManifestSet(paths, this.#operator);
  }

  /** Works until nothing is left to do, and reports. */
  async once(): Promise<RunReport> {
    const { timeout } = this.#options;
    const deadline = AbortSignal.timeout(timeout * 1000);
    const signal = AbortSignal.any([deadline, this.#context.signal]);
    const failures: ReportedError[] = [];
    try {
      await this.#manifests.load();
      if (this.#manifests.objects.length === 0 && this.#manifests.errors.length === 0) {
        throw new TerminalError('NoManifests', 'no objects in *.yaml, *.yml or *.json');
      }
      await this.#operator.start(signal);
      await this.#operator.settle(signal);
    } catch (error) {
      failures.push(
        deadline.aborted
          ? { reason: 'Timeout', message: `not done after ${timeout} s; what is not Ready was still being worked on` }
          : {
              reason: error instanceof TerminalError ? error.reason : 'Failed',
              message: sanitiseText(describeError(error)),
            },
      );
    } finally {
      this.#progress.clearStatus();
      await this.#operator.stop();
    }
    return this.#report(failures);
  }

  /** Works, and reports each time when nothing is left to do, until it is asked to end. */
  async watch(): Promise<RunReport> {
    const { signal } = this.#context;
    try {
      await watchManifests({
        paths: this.#options.filename.map((path) => resolve(this.#context.cwd, path)),
        manifests: this.#manifests,
        operator: this.#operator,
        changes: () => this.#observer.changes,
        report: () => this.#report([]),
        signal,
      });
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#progress.clearStatus();
      await this.#operator.stop();
    }
    return this.#report([]);
  }

  async #report(failures: readonly ReportedError[]): Promise<RunReport> {
    this.#progress.clearStatus();
    const report = await this.#collect(failures);
    const { stdout, cwd } = this.#context;
    this.#tell([
      ...report.errors.map((error) => `error: ${describeFault(error, cwd)}`),
      ...report.warnings.map((warning) => `warning: ${describeWarning(warning)}`),
    ]);
    const width = stdout.isTTY ? stdout.columns || 80 : undefined;
    stdout.write(formatReport(report, this.#options.output, { cwd, colour: hasColour(this.#context), width }));
    await this.#workspace.saveStatus(formatReport(report, 'yaml', { cwd, colour: false }));
    return report;
  }

  /** What was told by the report before is not told again. */
  #tell(lines: readonly string[]): void {
    for (const line of lines) {
      if (!this.#told.has(line)) this.#progress.line(line);
    }
    this.#told = new Set(lines);
  }

  async #collect(failures: readonly ReportedError[]): Promise<RunReport> {
    const named = new Set(this.#manifests.objects.map(objectLabel));
    return {
      repositories: await this.#operator.list(REPOSITORY),
      variantSets: await this.#operator.list(PACKAGE_VARIANT_SET),
      variants: await this.#operator.list(PACKAGE_VARIANT),
      revisions: (await this.#operator.list(PACKAGE_REVISION)).filter(
        (revision) => named.has(objectLabel(revision)) || (revision.status?.mergeConflicts ?? []).length > 0,
      ),
      errors: [...this.#manifests.errors, ...failures],
      warnings: this.#observer.warnings(({ regarding }) =>
        this.#operator.find(regarding.kind, regarding.namespace ?? '', regarding.name),
      ),
    };
  }
}

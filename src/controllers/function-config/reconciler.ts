import { describeError, TransientError, VerandaError } from '../../api/errors.ts';
import type { FunctionConfig } from '../../api/kinds.ts';
import type { Lister, ReconcileContext, ReconcileResult, Reconciler } from '../../kube/controller.ts';
import { sanitiseText } from '../../observability/sanitise.ts';
import type { PodSettings } from '../../runtimes/pod/settings.ts';
import type { ControllerEnvironment } from '../environment.ts';
import { ObjectReport } from '../report.ts';
import { type FunctionRules, functionRules, rivalOf, warmImages } from './rules.ts';

/** The function runtimes of this process. */
export interface FunctionRuntimes {
  /** Of the rules that count now. */
  readonly rulesVersion: string;
  /** What counts from now on, for renders that begin. */
  use(rules: FunctionRules): void;
  /**
   * Makes the pods of an image that are to be there before the first evaluation.
   * @throws VerandaError when the image cannot be looked up; TerminalError ImageNotAllowed
   */
  warmUp(image: string, settings: PodSettings, signal: AbortSignal): Promise<void>;
}

export interface FunctionConfigEnvironment extends Pick<ControllerEnvironment, 'store' | 'events' | 'logger'> {
  readonly configs: Lister<FunctionConfig>;
  readonly runtimes: FunctionRuntimes;
  /** The only namespace whose configurations count: who may write there decides what runs. */
  readonly namespace: string;
  /** What an empty prefix stands for. */
  readonly imagePrefix: string;
  /** Called when other rules count than before. */
  readonly onNewRules: () => void;
}

/** A registry that does not answer is asked again. */
const WARM_RETRY_MS = 30_000;

/**
 * Carries what FunctionConfigs say into the function runtimes, without a restart. Observes: all FunctionConfigs. Writes:
 * their status.
 */
export class FunctionConfigReconciler implements Reconciler {
  readonly name = 'functionconfig';
  readonly workers = 1;
  readonly #env: FunctionConfigEnvironment;

  constructor(env: FunctionConfigEnvironment) {
    this.#env = env;
  }

  async reconcile(key: string, context: ReconcileContext): Promise<ReconcileResult | undefined> {
    const { configs, namespace } = this.#env;
    const counting = configs
      .list()
      .filter(({ metadata }) => metadata.namespace === namespace && metadata.deletionTimestamp === undefined);
    this.#use(counting);
    const config = configs.get(key);
    if (!config || config.metadata.deletionTimestamp !== undefined) return undefined;
    const report = new ObjectReport(this.#env, config, context);
    try {
      await this.#bring(config, counting, report, context.signal);
    } catch (error) {
      report.failed(error);
    }
    report.status(forPorch(report.current()));
    return report.write();
  }

  #use(counting: readonly FunctionConfig[]): void {
    const { runtimes, imagePrefix, onNewRules } = this.#env;
    const rules = functionRules(counting, imagePrefix);
    if (rules.version === runtimes.rulesVersion) return;
    runtimes.use(rules);
    onNewRules();
  }

  async #bring(
    config: FunctionConfig,
    counting: readonly FunctionConfig[],
    report: ObjectReport<FunctionConfig>,
    signal: AbortSignal,
  ): Promise<void> {
    const { namespace } = this.#env;
    if (config.metadata.namespace !== namespace) {
      report.blocked('IgnoredNamespace', `function configurations count in namespace ${namespace} only`);
      return;
    }
    const rival = rivalOf(config, counting);
    if (rival) {
      report.blocked('Conflict', `${rival.metadata.name} configures the same images already`);
      return;
    }
    const failed = await this.#warmUp(config, signal);
    if (failed.length === 0) report.ready('Applied', 'counts for renders that begin from now on');
    else report.failed(new TransientError('WarmUpFailed', failed.join('; ')), WARM_RETRY_MS);
  }

  /** @returns what is wrong with the images that cannot be looked up */
  async #warmUp(config: FunctionConfig, signal: AbortSignal): Promise<readonly string[]> {
    const { runtimes, imagePrefix } = this.#env;
    const failed: string[] = [];
    for (const { image, settings } of warmImages(config, imagePrefix)) {
      try {
        await runtimes.warmUp(image, settings, signal);
      } catch (error) {
        signal.throwIfAborted();
        const reason = error instanceof VerandaError ? `${error.reason}: ` : '';
        failed.push(`${image}: ${reason}${sanitiseText(describeError(error))}`);
      }
    }
    return failed;
  }
}

/** The fields that Porch's own components write. */
function forPorch({ metadata, status }: FunctionConfig): NonNullable<FunctionConfig['status']> {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const { generation } = metadata;
  return {
    apiServerObservedGeneration: generation,
    functionRunnerObservedGeneration: generation,
    controllerObservedGeneration: generation,
    error: ready?.status === 'False' ? ready.message.slice(0, 4096) : undefined,
  };
}

import { type BuiltinOverrides, changingBuiltins } from '../functions/builtin-runtime.ts';
import type { FunctionRuntime } from '../functions/types.ts';
import type { PackageMerger } from '../merge/types.ts';
import type { Metrics } from '../observability/metrics.ts';
import { CachedRenderer } from '../render/cached-renderer.ts';
import { cleanImagePrefix } from '../render/image.ts';
import { createRenderer } from '../render/renderer.ts';
import type { Renderer, RenderReport, RenderStep } from '../render/types.ts';
import { chainRuntimes } from '../runtimes/multi.ts';
import { ResultCache } from '../runtimes/result-cache.ts';
import { type RendererSettings, WorkerRenderer } from '../workers/pool.ts';

export interface ClosableRenderer extends Renderer {
  /** Merges where it renders. */
  readonly merger?: PackageMerger;
  close(): Promise<void>;
}

export interface OpenRendererOptions extends RendererSettings {
  /** Runs what is not built in. Default: nothing; containers and processes come with their own flags. */
  readonly hosted?: FunctionRuntime;
  /** Asked before each render: changes of built-in functions, by name; undefined: none is used. Default: all as they are. */
  readonly builtins?: () => BuiltinOverrides | undefined;
  /** Bytes of package content that is remembered as rendered. Default 64 MiB. */
  readonly cacheBytes?: number;
  /** Told of every render that was not answered from memory. */
  readonly metrics?: Pick<Metrics, 'rendered' | 'functionRan'>;
}

const RESULT_CACHE_BYTES = 64 * 1024 * 1024;
const NO_CHANGES: BuiltinOverrides = {};
const asTheyAre = () => NO_CHANGES;
const NO_RUNTIME: FunctionRuntime = { name: 'none', runner: () => undefined };

/**
 * The renderer of the command line: builtin functions, large packages in worker threads, unchanged packages from memory.
 * To be closed.
 */
export function openRenderer(options: OpenRendererOptions = {}): ClosableRenderer {
  const { hosted: others = NO_RUNTIME, builtins = asTheyAre, metrics, cacheBytes, ...settings } = options;
  const hosted = new ResultCache({ maxBytes: RESULT_CACHE_BYTES }).wrap(others);
  // A short name is the catalogue's, wherever the images behind short names come from.
  const builtinPrefixes = settings.imagePrefix ? [cleanImagePrefix(settings.imagePrefix)] : [];
  const runtime = chainRuntimes([changingBuiltins(builtins, builtinPrefixes), hosted]);
  const workers = new WorkerRenderer({
    inProcess: createRenderer({ ...settings, runtime }),
    hosted,
    builtins,
    builtinPrefixes,
    renderer: settings,
  });
  const renderer = metrics ? measured(workers, metrics) : workers;
  let [known, cached] = [builtins(), new CachedRenderer({ renderer, maxBytes: cacheBytes })];
  const render: Renderer['render'] = (pkg, given) => {
    // What came out of functions that have changed since is not what would come out now.
    if (builtins() !== known) [known, cached] = [builtins(), new CachedRenderer({ renderer, maxBytes: cacheBytes })];
    return cached.render(pkg, given);
  };
  return { render, merger: workers, close: () => workers.close() };
}

function measured(renderer: Renderer, metrics: Pick<Metrics, 'rendered' | 'functionRan'>): Renderer {
  return {
    render: async (pkg, options) => {
      const started = performance.now();
      try {
        const outcome = await renderer.render(pkg, options);
        metrics.rendered(outcome.report.failure ? 'failure' : 'success', performance.now() - started);
        tellSteps(outcome.report, metrics);
        return outcome;
      } catch (error) {
        metrics.rendered('error', performance.now() - started);
        throw error;
      }
    },
  };
}

function tellSteps({ steps }: RenderReport, metrics: Pick<Metrics, 'functionRan'>): void {
  for (const { skipped, runtime, milliseconds, ...step } of steps) {
    if (!skipped) metrics.functionRan(runtime ?? 'none', stepResult(step), milliseconds);
  }
}

function stepResult({ executionError, exitCode }: Pick<RenderStep, 'executionError' | 'exitCode'>) {
  if (executionError !== undefined) return 'error';
  return exitCode === 0 ? 'success' : 'failure';
}

import { createBuiltinRuntime } from '../functions/builtin-runtime.ts';
import type { FunctionRuntime } from '../functions/types.ts';
import type { PackageMerger } from '../merge/types.ts';
import { CachedRenderer } from '../render/cached-renderer.ts';
import { createRenderer } from '../render/renderer.ts';
import type { Renderer } from '../render/types.ts';
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
}

const RESULT_CACHE_BYTES = 64 * 1024 * 1024;
const NO_RUNTIME: FunctionRuntime = { name: 'none', runner: () => undefined };

/**
 * The renderer of the command line: builtin functions, large packages in worker threads, unchanged packages from memory.
 * To be closed.
 */
export function openRenderer({ hosted: others = NO_RUNTIME, ...renderer }: OpenRendererOptions = {}): ClosableRenderer {
  const hosted = new ResultCache({ maxBytes: RESULT_CACHE_BYTES }).wrap(others);
  const runtime = chainRuntimes([createBuiltinRuntime(), hosted]);
  const workers = new WorkerRenderer({ inProcess: createRenderer({ ...renderer, runtime }), hosted, renderer });
  const cached = new CachedRenderer({ renderer: workers });
  return { render: (pkg, options) => cached.render(pkg, options), merger: workers, close: () => workers.close() };
}

import { createBuiltinRuntime } from '../functions/builtin-runtime.ts';
import type { FunctionRuntime } from '../functions/types.ts';
import { createRenderer } from '../render/renderer.ts';
import type { Renderer } from '../render/types.ts';
import { WorkerRenderer } from '../workers/pool.ts';

export interface ClosableRenderer extends Renderer {
  close(): Promise<void>;
}

/** No runtime beside the builtin functions: containers and processes come with their own flags. */
const NO_RUNTIME: FunctionRuntime = { name: 'none', runner: () => undefined };

/** The renderer of the command line: builtin functions, large packages in worker threads. To be closed. */
export function openRenderer(): ClosableRenderer {
  return new WorkerRenderer({ inProcess: createRenderer({ runtime: createBuiltinRuntime() }), hosted: NO_RUNTIME });
}

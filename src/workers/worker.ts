import { createBuiltinRuntime } from '../functions/builtin-runtime.ts';
import type { FunctionRuntime } from '../functions/types.ts';
import { createRenderer } from '../render/renderer.ts';
import type { MergeReply, MergeTask, RenderReply, RenderTask } from './protocol.ts';
import { serveMerge, serveRender } from './serve.ts';

/** Entry of the worker threads: called by the pool for each render. */
export function render(task: RenderTask): Promise<RenderReply> {
  const { builtins = {}, builtinPrefixes: prefixes } = task;
  const builtin = builtins === null ? undefined : createBuiltinRuntime({ prefixes, overrides: builtins });
  return serveRender(task, (hosted) => {
    const runtime: FunctionRuntime = {
      name: 'worker',
      runner: (spec) => builtin?.runner(spec) ?? hosted.runner(spec),
    };
    const { imagePrefix, builtinPrefixes = [], allowedImages = [], stepTimeout, writesStatus } = task;
    const allowed = [...allowedImages, ...builtinPrefixes];
    return createRenderer({ runtime, imagePrefix, allowedImages: allowed, stepTimeout, writesStatus });
  });
}

/** As `render`, for each merge. */
export function merge(task: MergeTask): MergeReply {
  return serveMerge(task);
}

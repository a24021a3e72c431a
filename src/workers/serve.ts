import type { FunctionRuntime } from '../functions/types.ts';
import { mergePackages } from '../merge/merge-packages.ts';
import { changesBetween } from '../package/diff.ts';
import { Package } from '../package/package.ts';
import { type PackedFiles, packFiles } from '../package/packed-files.ts';
import type { PackageFile } from '../package/types.ts';
import type { Renderer } from '../render/types.ts';
import { HostedRuntime } from './hosted-runtime.ts';
import { type MergeReply, type MergeTask, packError, type RenderReply, type RenderTask } from './protocol.ts';

/**
 * Does one render in a worker. Nothing is thrown: the pool takes whatever goes wrong otherwise for a crash.
 * @param makeRenderer is given the runtime of the functions that the main thread runs
 */
export async function serveRender(
  task: RenderTask,
  makeRenderer: (hosted: FunctionRuntime) => Renderer,
): Promise<RenderReply> {
  const controller = new AbortController();
  const hosted = new HostedRuntime(task, () => controller.abort(new Error('the render was cancelled')));
  try {
    const before = Package.unpack(task.package);
    const outcome = await makeRenderer(hosted).render(before, { signal: controller.signal });
    return { ok: true, ...packChanges(before, outcome.package), report: outcome.report };
  } catch (error) {
    return { ok: false, error: packError(error) };
  } finally {
    hosted.close();
  }
}

/** Does one merge in a worker. Nothing is thrown, as with renders. */
export function serveMerge({ base, local, updated, rendered, options }: MergeTask): MergeReply {
  try {
    const before = Package.unpack(local);
    const input = { base: Package.unpack(base), local: before, updated: Package.unpack(updated) };
    const { pkg, ...told } = mergePackages(
      rendered ? { ...input, rendered: Package.unpack(rendered) } : input,
      options,
    );
    return { ok: true, ...packChanges(before, pkg), ...told };
  } catch (error) {
    return { ok: false, error: packError(error) };
  }
}

function packChanges(
  before: Package,
  after: Package,
): { readonly changed: PackedFiles; readonly removed: readonly string[] } {
  const changed: [string, PackageFile][] = [];
  const removed: string[] = [];
  for (const [path, file] of changesBetween(before, after)) {
    if (file === null) removed.push(path);
    else changed.push([path, file]);
  }
  return { changed: packFiles(changed), removed };
}

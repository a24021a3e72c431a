import type { FunctionRuntime } from '../functions/types.ts';
import { changesBetween } from '../package/diff.ts';
import { Package } from '../package/package.ts';
import { packFiles } from '../package/packed-files.ts';
import type { PackageFile } from '../package/types.ts';
import type { Renderer } from '../render/types.ts';
import { HostedRuntime } from './hosted-runtime.ts';
import { packError, type RenderReply, type RenderTask } from './protocol.ts';

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
    const changed: [string, PackageFile][] = [];
    const removed: string[] = [];
    for (const [path, file] of changesBetween(before, outcome.package)) {
      if (file === null) removed.push(path);
      else changed.push([path, file]);
    }
    return { ok: true, changed: packFiles(changed), removed, report: outcome.report };
  } catch (error) {
    return { ok: false, error: packError(error) };
  } finally {
    hosted.close();
  }
}

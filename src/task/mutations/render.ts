import { RenderError } from '../errors.ts';
import type { Mutation } from '../types.ts';

/**
 * Runs the package's pipelines.
 * @param options with `pushOnRenderFailure` a failed render is no error: the package is what the renderer left
 * @throws RenderError
 */
export function render(options: { readonly pushOnRenderFailure?: boolean } = {}): Mutation {
  return {
    name: 'render',
    async apply(context, pkg) {
      const { package: rendered, report } = await context.renderer.render(pkg, { signal: context.signal });
      if (report.failure && options.pushOnRenderFailure !== true) throw new RenderError(report, context.target.object);
      return { pkg: rendered, result: { render: report, warnings: report.warnings } };
    },
  };
}

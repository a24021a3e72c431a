import { describeError, VerandaError } from '../api/errors.ts';
import { DEFAULT_IMAGE_PREFIX } from '../functions/image.ts';
import type { FunctionRuntime } from '../functions/types.ts';
import type { Package } from '../package/package.ts';
import { KPTFILE } from '../package/subpackages.ts';
import { boundText, MAX_MESSAGE_BYTES } from './bounds.ts';
import { readStepConfigs } from './config.ts';
import { discoverPackages } from './discovery.ts';
import { hydrate } from './hydrate.ts';
import { cleanImagePrefix } from './image.ts';
import { readItems } from './read-items.ts';
import { writeStatus } from './status.ts';
import type { RenderRun } from './step.ts';
import type { Renderer, RenderFailure, RenderOutcome, RenderReport } from './types.ts';
import { writeItems } from './write.ts';

export interface RendererOptions {
  readonly runtime: FunctionRuntime;
  /** Put before image names without a slash; '' leaves them as they are. Default: the kpt functions catalogue. */
  readonly imagePrefix?: string;
}

/**
 * A renderer in this process.
 * @throws TerminalError InvalidImagePrefix
 */
export function createRenderer(options: RendererOptions): Renderer {
  const imagePrefix = cleanImagePrefix(options.imagePrefix ?? DEFAULT_IMAGE_PREFIX);
  return {
    render: (pkg, { signal }) => renderPackage(pkg, { runtime: options.runtime, imagePrefix, signal }),
  };
}

type Settings = Pick<RenderRun, 'runtime' | 'imagePrefix' | 'signal'>;

/** @throws the signal's reason when it is aborted, nothing else for any content */
async function renderPackage(pkg: Package, settings: Settings): Promise<RenderOutcome> {
  if (!pkg.has(KPTFILE))
    return { package: pkg, report: { steps: [], warnings: ['the package has no Kptfile: nothing to render'] } };
  const steps: RenderRun['steps'] = [];
  const warnings: string[] = [];
  try {
    const rendered = await run(pkg, settings, steps, warnings);
    const report = { steps, warnings };
    return { package: writeStatus(pkg, rendered, report), report };
  } catch (error) {
    settings.signal.throwIfAborted();
    const report: RenderReport = { steps, warnings, failure: toFailure(error) };
    return { package: writeStatus(pkg, pkg, report), report };
  }
}

async function run(pkg: Package, settings: Settings, steps: RenderRun['steps'], warnings: string[]): Promise<Package> {
  const packages = discoverPackages(pkg);
  for (const { kptfile } of packages.values()) warnings.push(...kptfile.warnings);
  const configs = readStepConfigs(pkg, packages);
  const content = readItems(pkg, packages);
  warnings.push(...content.warnings);
  const items = await hydrate(
    { ...settings, pkg, packages, content, configs, steps, ids: { next: content.nextId } },
    '',
  );
  return writeItems(pkg, content, items);
}

function toFailure(error: unknown): RenderFailure {
  const reason = error instanceof VerandaError ? error.reason : 'RenderFailed';
  const retry = error instanceof VerandaError ? error.retry : 'terminal';
  return { reason, message: boundText(describeError(error), MAX_MESSAGE_BYTES), retry };
}

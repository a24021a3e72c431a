import { describeError, VerandaError } from '../api/errors.ts';
import { DEFAULT_IMAGE_PREFIX } from '../functions/image.ts';
import type { FunctionRuntime } from '../functions/types.ts';
import type { Package } from '../package/package.ts';
import { KPTFILE } from '../package/subpackages.ts';
import { boundText, MAX_MESSAGE_BYTES, ReportRoom } from './bounds.ts';
import { readStepConfigs } from './config.ts';
import { discoverPackages } from './discovery.ts';
import { hydrate } from './hydrate.ts';
import { allowedPlaces, cleanImagePrefix } from './image.ts';
import { readItems } from './read-items.ts';
import { writeStatus } from './status.ts';
import type { RenderRun } from './step.ts';
import type { Renderer, RenderFailure, RenderOutcome, RenderReport } from './types.ts';
import { writeItems, writePartialItems } from './write.ts';

/** Annotations of the root Kptfile, `"true"` each. */
const BREADTH_FIRST = 'kpt.dev/bfs-rendering';
const SAVE_ON_FAILURE = 'kpt.dev/save-on-render-failure';

const INVALID_KPTFILE = 'InvalidKptfile';

/** Milliseconds; as kpt has it. */
export const DEFAULT_STEP_TIMEOUT = 5 * 60_000;

export interface RendererOptions {
  readonly runtime: FunctionRuntime;
  /** Put before image names without a slash; '' leaves them as they are. Default: the kpt functions catalogue. */
  readonly imagePrefix?: string;
  /**
   * Registry paths whose images may run, whatever the runtime, beside those of the catalogue and `imagePrefix`.
   * `*` allows all.
   */
  readonly allowedImages?: readonly string[];
  /** Milliseconds that one function may take. Default 5 minutes. */
  readonly stepTimeout?: number;
  /** Whether the root Kptfile's status is to say how the render went. Default true. */
  readonly writesStatus?: boolean;
  /** Milliseconds that only grow, for how long a step took. Default: the process's own clock. */
  readonly now?: () => number;
}

/**
 * A renderer in this process.
 * @throws TerminalError InvalidImagePrefix
 */
export function createRenderer(options: RendererOptions): Renderer {
  const imagePrefix = cleanImagePrefix(options.imagePrefix ?? DEFAULT_IMAGE_PREFIX);
  const allowedImages = allowedPlaces(imagePrefix, options.allowedImages ?? []);
  const { runtime, stepTimeout = DEFAULT_STEP_TIMEOUT, writesStatus = true } = options;
  const now = options.now ?? (() => performance.now());
  const settings = { runtime, imagePrefix, allowedImages, stepTimeout, now, writesStatus };
  return { render: (pkg, { signal }) => renderPackage(pkg, { ...settings, signal }) };
}

type Settings = Pick<RenderRun, 'runtime' | 'imagePrefix' | 'allowedImages' | 'stepTimeout' | 'now' | 'signal'> & {
  readonly writesStatus: boolean;
};

/** What is known of a render at any time, so that a failing one can be reported. */
interface Progress {
  readonly steps: RenderRun['steps'];
  readonly warnings: string[];
  run?: RenderRun;
}

/** @throws the signal's reason when it is aborted, nothing else for any content */
async function renderPackage(pkg: Package, settings: Settings): Promise<RenderOutcome> {
  if (!pkg.has(KPTFILE))
    return { package: pkg, report: { steps: [], warnings: ['the package has no Kptfile: nothing to render'] } };
  const progress: Progress = { steps: [], warnings: [] };
  const { steps, warnings } = progress;
  let rendered: Package;
  let failure: RenderFailure | undefined;
  try {
    rendered = await renderAll(pkg, settings, progress);
  } catch (error) {
    settings.signal.throwIfAborted();
    rendered = whatIsKept(pkg, progress);
    failure = toFailure(error);
  }
  const report: RenderReport = { steps, warnings, ...(failure === undefined ? {} : { failure }) };
  // A package with a Kptfile that breaks the rules is left to its author as it is.
  const writes = settings.writesStatus && failure?.reason !== INVALID_KPTFILE;
  return { package: writes ? writeStatus(pkg, rendered, report) : rendered, report };
}

async function renderAll(pkg: Package, settings: Settings, progress: Progress): Promise<Package> {
  const packages = discoverPackages(pkg);
  for (const { kptfile } of packages.values()) progress.warnings.push(...kptfile.warnings);
  const configs = readStepConfigs(pkg, packages);
  progress.warnings.push(...configs.warnings);
  const content = readItems(pkg, packages);
  progress.warnings.push(...content.warnings);
  const items = new Map(content.items);
  const { steps } = progress;
  const ids = { next: content.nextId };
  const run = { ...settings, pkg, packages, content, configs, items, steps, room: new ReportRoom(), ids };
  progress.run = run;
  await hydrate(run, isOn(run, BREADTH_FIRST) ? 'parents-first' : 'children-first');
  return writeItems(pkg, content, allItems(run));
}

/** The package after a failure: the source, or what the steps before had made of it if the root Kptfile asks for it. */
function whatIsKept(pkg: Package, { run }: Progress): Package {
  if (run === undefined || !isOn(run, SAVE_ON_FAILURE)) return pkg;
  try {
    return writePartialItems(pkg, run.content, allItems(run));
  } catch (error) {
    // What cannot be written is why the render failed; that is told already.
    if (error instanceof VerandaError) return pkg;
    throw error;
  }
}

function allItems(run: RenderRun) {
  return [...run.items.values()].flat();
}

function isOn(run: RenderRun, annotation: string): boolean {
  return run.packages.get('')?.kptfile.annotations[annotation]?.toLowerCase() === 'true';
}

function toFailure(error: unknown): RenderFailure {
  const reason = error instanceof VerandaError ? error.reason : 'RenderFailed';
  const retry = error instanceof VerandaError ? error.retry : 'terminal';
  return { reason, message: boundText(describeError(error), MAX_MESSAGE_BYTES), retry };
}

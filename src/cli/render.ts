import { lstat, realpath } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { TerminalError, VerandaError } from '../api/errors.ts';
import { sanitiseText } from '../observability/sanitise.ts';
import type { Package } from '../package/package.ts';
import { readPackageDirectory } from '../package/read-dir.ts';
import { KPTFILE } from '../package/subpackages.ts';
import { writePackageDirectory } from '../package/write-dir.ts';
import { createContainerRuntime, type PullPolicy } from '../runtimes/container.ts';
import { chainRuntimes } from '../runtimes/multi.ts';
import { createProcessRuntime } from '../runtimes/process.ts';
import { type CliContext, EXIT } from './context.ts';
import { unreadable } from './manifest-files.ts';
import { checkOutputFolder, writeRendered } from './render-output.ts';
import { describeReport, resultsFile } from './render-report.ts';
import { type ClosableRenderer, openRenderer } from './renderer.ts';

/** Flags of `veranda render`, named as those of `kpt fn render`. */
export interface RenderOptions {
  /** `stdout`, `unwrap` or a new folder; absent: in place. */
  readonly output?: string;
  readonly resultsDir?: string;
  readonly allowExec?: boolean;
  readonly allowNetwork?: boolean;
  readonly imagePullPolicy: keyof typeof PULL_POLICIES;
  readonly truncateOutput: boolean;
  /** Milliseconds. */
  readonly fnTimeout: number;
  readonly imagePrefix?: string;
  /** Further places that images may come from. */
  readonly allowImages?: readonly string[];
  /** Image name -> absolute path of a program. */
  readonly fnBinary?: ReadonlyMap<string, string>;
}

export const PULL_POLICIES = { Always: 'always', IfNotPresent: 'missing', Never: 'never' } as const satisfies {
  readonly [name: string]: PullPolicy;
};

/** What of the environment a program is given that a Kptfile names. */
const PROCESS_ENVIRONMENT = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'];

/**
 * Renders a package folder, in place or into something else. What happens goes to stderr, as with `kpt fn render`.
 * @throws TerminalError UnreadableFile, NoKptfile, FolderExists, and as `readPackageDirectory`
 */
export async function renderCommand(dir: string, options: RenderOptions, context: CliContext): Promise<number> {
  const given = resolve(context.cwd, dir);
  const { signal } = context;
  if (options.output !== undefined) await checkOutputFolder(options.output, context.cwd);
  const before = await readPackage(given, signal);
  const directory = await realpath(given);
  if ((await lstat(given)).isSymbolicLink()) tell(context, linkWarning(dir, relative(context.cwd, directory) || '.'));
  const renderer = openRunners(directory, options, context);
  try {
    const { package: after, report } = await renderer.render(before, { signal });
    if (options.output === undefined) await writePackageDirectory(directory, { before, after, signal });
    else if (report.failure === undefined) await writeRendered(after, options.output, context);
    const lines = [describeReport(report, { directory, truncate: options.truncateOutput })];
    if (options.resultsDir !== undefined)
      lines.push(await writeResults(options.resultsDir, resultsFile(report), context));
    tell(context, lines.join(''));
    return report.failure ? EXIT.failed : EXIT.ok;
  } finally {
    await renderer.close();
  }
}

function openRunners(directory: string, options: RenderOptions, { env }: CliContext): ClosableRenderer {
  const process = createProcessRuntime({
    allowed: options.allowExec ?? false,
    directory,
    binaries: options.fnBinary,
    env: Object.fromEntries(PROCESS_ENVIRONMENT.map((name) => [name, env[name]])),
  });
  const container = createContainerRuntime({
    engine: env.KRM_FN_RUNTIME || 'docker',
    pullPolicy: PULL_POLICIES[options.imagePullPolicy],
    allowNetwork: options.allowNetwork ?? false,
    env,
  });
  return openRenderer({
    imagePrefix: options.imagePrefix ?? env.KPT_IMAGE_PREFIX,
    allowedImages: [...(options.allowImages ?? []), ...(options.fnBinary?.keys() ?? [])],
    stepTimeout: options.fnTimeout,
    writesStatus: options.output === undefined,
    hosted: chainRuntimes([process, container]),
  });
}

async function readPackage(directory: string, signal: AbortSignal): Promise<Package> {
  const pkg = await readPackageDirectory(directory, { signal }).catch((error: unknown) => {
    throw error instanceof VerandaError || signal.aborted ? error : unreadable(directory, error);
  });
  if (pkg.has(KPTFILE)) return pkg;
  throw new TerminalError('NoKptfile', `No Kptfile found at ${join(directory, KPTFILE)}`);
}

/** @returns what to tell */
async function writeResults(folder: string, text: string, { cwd, signal }: CliContext): Promise<string> {
  const { mkdir, writeFile } = await import('node:fs/promises');
  const file = join(folder, 'results.yaml');
  await mkdir(resolve(cwd, folder), { recursive: true });
  await writeFile(resolve(cwd, file), text, { signal });
  return `For complete results, see ${file}\n`;
}

function linkWarning(link: string, target: string): string {
  return `[WARN] resolved symlink "${link}" to "${target}", please note that the symlinks within the package are ignored\n`;
}

/** Results quote packages, which may hold what a terminal obeys. */
function tell({ stderr }: CliContext, text: string): void {
  stderr.write(sanitiseText(text).replaceAll(/[^\P{Cc}\n\t]/gu, ' '));
}

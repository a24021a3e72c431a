import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { describeError } from '../api/errors.ts';
import { sanitiseText } from '../observability/sanitise.ts';
import { type CliContext, EXIT } from './context.ts';
import { addControllerCommand } from './controller-commands.ts';
import { addMergeCommands } from './merge-commands.ts';
import { addPlanCommand } from './plan-commands.ts';
import type { RenderOptions } from './render.ts';
import type { RunOptions } from './run.ts';
import { VERSION, versionCommand } from './version.ts';

// Commands are loaded when they are called: each needs much that the others do not.

const EXIT_HELP = `
Exit codes: 0 all is well, 1 something failed or is not Ready, 2 the command line is wrong.`;

const RUN_HELP = `
Repository, PackageRevision, PackageVariant and PackageVariantSet objects are carried out;
objects of other groups are data that packages may ask for (injection), Secrets are credentials.
The report goes to stdout and to .veranda/status.yaml, progress and warnings go to stderr.
Objects that are missing when a run starts are not deleted.

  veranda run -f manifests/
  veranda run -f repositories.yaml -f variants/ --workspace /var/tmp/fleet -o json
  veranda run -f manifests/ --watch`;

const RENDER_HELP = `
Changed files are written back, results go to stderr. A render that fails changes
nothing but the status in the Kptfile, unless that has the annotation
kpt.dev/save-on-render-failure: "true".

  veranda render app --results-dir results
  veranda render app -o unwrap | kubectl apply -f -
  veranda render app --allow-exec --fn-timeout 30s`;

/** Parses the command line and runs one command. Never throws; the result is the process's exit code. */
export async function runCli(context: CliContext): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = buildProgram(context, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...context.argv]);
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const reason = context.signal.aborted ? context.signal.reason : error;
    context.stderr.write(`veranda: ${sanitiseText(describeError(reason))}\n`);
    return EXIT.failed;
  }
}

function buildProgram(context: CliContext, exit: (code: number) => void): Command {
  const program = new Command('veranda')
    .description('Turns declarative package manifests into rendered, reviewed and published packages in git.')
    .version(`veranda ${VERSION}`, '-V, --version', 'print the version')
    .helpCommand(false)
    .addHelpText('after', EXIT_HELP)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
    });
  program
    .command('run')
    .description('carry manifests to the end without a cluster: packages in git out')
    .requiredOption('-f, --filename <path...>', 'manifest files, or folders with *.yaml, *.yml and *.json')
    .option('--workspace <dir>', 'folder that gets .veranda/ with mirrors and status', '.')
    .addOption(new Option('--once', 'end when nothing is left to do (default)').conflicts('watch'))
    .option('--watch', 'go on and follow changes of the files; what disappears from them is deleted')
    .addOption(new Option('-o, --output <format>', 'report format').choices(['table', 'json', 'yaml']).default('table'))
    .option('--timeout <seconds>', 'with --once: give up after this long', positiveNumber, 300)
    .addHelpText('after', RUN_HELP)
    .action(async (options: RunOptions) => {
      const { runCommand } = await import('./run.ts');
      exit(await runCommand(options, context));
    });
  program
    .command('render')
    .description("run the pipelines of a package's Kptfile, in place")
    .argument('[dir]', 'package folder', '.')
    .option('-o, --output <where>', 'stdout (a ResourceList), unwrap (documents) or a new folder, instead of in place')
    .option('--results-dir <dir>', 'folder that gets results.yaml')
    .option('--allow-exec', 'let Kptfiles run programs of this machine')
    .option('--allow-network', 'give functions in containers the network of this machine')
    .addOption(
      new Option('--image-pull-policy <policy>', 'when images are pulled')
        .choices(['Always', 'IfNotPresent', 'Never'])
        .default('IfNotPresent'),
    )
    .option('--truncate-output [boolean]', 'cut long messages', yesOrNo, true)
    .addOption(
      new Option('--fn-timeout <duration>', 'how long one function may run, such as 90s')
        .argParser(duration)
        .default(5 * 60_000, '5m'),
    )
    .option('--image-prefix <path>', 'put before image names without a slash (default: the kpt functions catalogue)')
    .option('--allow-images <path...>', 'registry paths that images may come from beside the catalogue; * for all')
    .option('--fn-binary <image=file>', 'with --allow-exec: a program that stands for an image (repeatable)', binary)
    .addHelpText('after', RENDER_HELP)
    .action(async (dir: string, options: RenderOptions) => {
      const { renderCommand } = await import('./render.ts');
      exit(await renderCommand(dir, options, context));
    });
  addPlanCommand(program, context, exit);
  addMergeCommands(program, context, exit);
  addControllerCommand(program, context, exit);
  program
    .command('version')
    .description('print the version')
    .action(() => exit(versionCommand(context)));
  return program;
}

function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('must be a positive number');
  return value;
}

function yesOrNo(text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw new InvalidArgumentError('must be true or false');
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `1m30s`, `500ms`; a number without a unit is seconds. In milliseconds. */
function duration(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return positiveNumber(text) * 1000;
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) throw new InvalidArgumentError('must be a duration such as 90s or 5m');
  const parts = text.matchAll(/([\d.]+)(ms|s|m|h)/g);
  return positiveNumber(
    String(parts.reduce((sum, [, count, unit = 's']) => sum + Number(count) * (UNITS[unit] ?? 0), 0)),
  );
}

function binary(text: string, before: ReadonlyMap<string, string> = new Map()): ReadonlyMap<string, string> {
  const [, image, file] = /^([^=]+)=(\/.+)$/.exec(text) ?? [];
  if (!image || !file)
    throw new InvalidArgumentError('must be an image name and the absolute path of a program: a/b=/c/d');
  return new Map([...before, [image, file]]);
}

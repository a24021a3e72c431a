import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { describeError } from '../api/errors.ts';
import { sanitiseText } from '../observability/sanitise.ts';
import { type CliContext, EXIT } from './context.ts';
import { renderCommand } from './render.ts';
import { OUTPUT_FORMATS, runCommand } from './run.ts';
import { versionCommand } from './version.ts';

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
    context.stderr.write(`veranda: ${sanitiseText(describeError(error))}\n`);
    return EXIT.failed;
  }
}

function buildProgram(context: CliContext, exit: (code: number) => void): Command {
  const program = new Command('veranda')
    .description('Turns declarative package manifests into rendered, reviewed and published packages in git.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
    });
  program
    .command('run')
    .description('carry Repository, PackageRevision and PackageVariant manifests to the end, without a cluster')
    .requiredOption('-f, --filename <path...>', 'manifest files or folders')
    .option('--workspace <dir>', 'folder for mirrors and status', '.')
    .addOption(new Option('-o, --output <format>', 'report format').choices(OUTPUT_FORMATS).default('table'))
    .option('--timeout <seconds>', 'give up after this long', positiveNumber, 300)
    .action(async (options) => exit(await runCommand(options, context)));
  program
    .command('render')
    .description("run the pipelines of a package's Kptfile")
    .argument('[dir]', 'package folder', '.')
    .action(async (dir: string) => exit(await renderCommand(dir, context)));
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

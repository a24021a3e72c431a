import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CliContext } from './context.ts';
import type { PlanOptions } from './plan/command.ts';

const PLAN_HELP = `
The controllers carry the manifests out on repositories that are read but never written.
What is printed is what \`veranda run\` would do now: packages created, upgraded, edited and
published, with the differences of their files and the merge conflicts.

  veranda plan -f manifests/
  veranda plan -f manifests/ -o json --no-diff
  veranda plan -f manifests/ --detailed-exitcode    # 3: there is something to do`;

export function addPlanCommand(program: Command, context: CliContext, exit: (code: number) => void): void {
  program
    .command('plan')
    .description('what manifests would do, with the differences of all files; nothing is written')
    .requiredOption('-f, --filename <path...>', 'manifest files, or folders with *.yaml, *.yml and *.json')
    .option('--workspace <dir>', 'folder that gets .veranda/ with mirrors', '.')
    .addOption(new Option('-o, --output <format>', 'report format').choices(['table', 'json', 'yaml']).default('table'))
    .option('--no-diff', 'leave the differences of files out')
    .option('--detailed-exitcode', 'exit with 3 when there is something to do')
    .option('--timeout <seconds>', 'give up after this long', seconds, 300)
    .addHelpText('after', PLAN_HELP)
    .action(async (options: PlanOptions) => {
      const { planCommand } = await import('./plan/command.ts');
      exit(await planCommand(options, context));
    });
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('must be a positive number');
  return value;
}

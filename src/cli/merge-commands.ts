import { type Command, Option } from 'commander';
import type { CliContext } from './context.ts';
import type { MergeCommandOptions } from './merge.ts';

const MERGE_HELP = `
What changed from --base to --updated is merged into --local, in place. Conflicts are told
and resolved (upstream wins; the annotation veranda.dev/merge-preference: local on a resource
or the Kptfile lets the local side win); they are no failure. On an error nothing is written.

  veranda merge --strategy resource-merge --base v1/ --updated v2/ --local mine/`;

const STRATEGIES = ['resource-merge', 'fast-forward', 'force-delete-replace', 'copy-merge'];

/** `merge` and `diff`: packages in folders, without git. */
export function addMergeCommands(program: Command, context: CliContext, exit: (code: number) => void): void {
  program
    .command('merge')
    .description('three-way merge of a package with a new version of its upstream, in place')
    .addOption(new Option('--strategy <name>', 'how to merge').choices(STRATEGIES).default('resource-merge'))
    .requiredOption('--base <dir>', 'the upstream that the package was made from; may be empty')
    .requiredOption('--updated <dir>', 'the upstream that it moves to')
    .requiredOption('--local <dir>', 'the package; it is changed')
    .option('--nested', 'the package is a subpackage: its upstream and lock follow the updated one')
    .addOption(
      new Option('--conflicts <format>', 'text to stderr, json to stdout').choices(['text', 'json']).default('text'),
    )
    .addHelpText('after', MERGE_HELP)
    .action(async (options: MergeCommandOptions) => {
      const { mergeCommand } = await import('./merge.ts');
      exit(await mergeCommand(options, context));
    });
  program
    .command('diff')
    .description('what differs between two packages: by resource and field, then as text')
    .argument('<a>', 'package folder')
    .argument('<b>', 'package folder')
    .action(async (a: string, b: string) => {
      const { diffCommand } = await import('./diff.ts');
      exit(await diffCommand(a, b, context));
    });
}

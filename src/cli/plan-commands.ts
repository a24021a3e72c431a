import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CliContext } from './context.ts';
import type { PlanOptions } from './plan/command.ts';

const PLAN_HELP = `
The controllers carry the manifests out on repositories that are read but never written.
What is printed is what \`veranda run\` would do now: packages created, upgraded, edited and
published, with the differences of their files and the merge conflicts.

With --cluster it is what the operator of a cluster would do with the objects that are there,
and with the manifests of -f as if they were applied. The cluster is read with the rights of
the kubeconfig's user, by get and list only.

  veranda plan -f manifests/
  veranda plan -f manifests/ -o json --no-diff
  veranda plan -f manifests/ --detailed-exitcode    # 3: there is something to do
  veranda plan --cluster -n packages -f changed.yaml`;

/** Mean nothing without a cluster. */
const CLUSTER_OPTIONS = ['kubeconfig', 'context', 'namespace', 'allNamespaces'] as const;

export function addPlanCommand(program: Command, context: CliContext, exit: (code: number) => void): void {
  const command = program
    .command('plan')
    .description('what manifests or a cluster would do, with the differences of all files; nothing is written')
    .option('-f, --filename <path...>', 'manifest files, or folders with *.yaml, *.yml and *.json')
    .option('--cluster', "plan for a cluster's objects, with the manifests laid over them")
    .option('--kubeconfig <file>', 'with --cluster: its kubeconfig (default: $KUBECONFIG, else ~/.kube/config)')
    .option('--context <name>', "with --cluster: context of the kubeconfig (default: the file's)")
    .addOption(
      new Option('-n, --namespace <name>', "with --cluster: the namespace (default: the context's)").conflicts(
        'allNamespaces',
      ),
    )
    .option('-A, --all-namespaces', 'with --cluster: all namespaces')
    .option('--field-manager <name>', 'with --cluster: who applies the manifests, if by server-side apply', 'kubectl')
    .option('--workspace <dir>', 'folder that gets .veranda/ with mirrors', '.')
    .addOption(new Option('-o, --output <format>', 'report format').choices(['table', 'json', 'yaml']).default('table'))
    .option('--no-diff', 'leave the differences of files out')
    .option('--detailed-exitcode', 'exit with 3 when there is something to do')
    .option('--timeout <seconds>', 'give up after this long', seconds, 300)
    .addHelpText('after', PLAN_HELP)
    .action(async (options: PlanOptions) => {
      const stray = CLUSTER_OPTIONS.find((name) => options[name] !== undefined);
      if (!options.cluster && stray) command.error('error: options of a cluster are for --cluster');
      if (!options.cluster && !options.filename) command.error("error: required option '-f, --filename <path...>'");
      const { planCommand } = await import('./plan/command.ts');
      exit(await planCommand(options, context));
    });
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('must be a positive number');
  return value;
}

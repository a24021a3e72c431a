import { type Command, Option } from 'commander';
import type { CliContext } from './context.ts';
import { shownValue } from './controller/configuration.ts';
import type { Setting } from './controller/setting.ts';
import { SETTINGS } from './controller/settings.ts';

const CONTROLLER_HELP = `
Each option can also be set by an environment variable (VERANDA_GIT_TIMEOUT for --git-timeout) and in
the file that --config names (gitTimeout: 90s). An option goes before a variable, and that before the file.

  veranda controller --kubeconfig ~/.kube/config --mirrors /var/tmp/mirrors
  veranda controller --config /etc/veranda/config.yaml --print-config`;

/** `controller`: the operator. */
export function addControllerCommand(program: Command, context: CliContext, exit: (code: number) => void): void {
  const command = program
    .command('controller')
    .description('the operator: carries out the objects of a cluster')
    .option('--config <file>', 'YAML file with settings')
    .option('--print-config', 'print the settings as they count, and end');
  for (const [name, setting] of Object.entries<Setting<unknown>>(SETTINGS)) {
    command.addOption(optionOf(name, setting));
  }
  command.addHelpText('after', CONTROLLER_HELP).action(async (options: Record<string, unknown>) => {
    const { config, printConfig, ...flags } = options;
    const { controllerCommand } = await import('./controller/command.ts');
    exit(
      await controllerCommand(
        {
          config: typeof config === 'string' ? config : undefined,
          printConfig: printConfig === true,
          flags: Object.fromEntries(Object.entries(flags).map(([name, value]) => [name, textsOf(value)])),
        },
        context,
      ),
    );
  });
}

/** Collected as texts: all faults of a configuration are told at once. */
function optionOf(name: string, setting: Setting<unknown>): Option {
  const { flag, argument, help, fallback, fallbackText } = setting;
  const value = fallback === undefined || fallback === null ? undefined : shownValue(setting, fallback);
  const shown = fallbackText ?? (Array.isArray(value) ? undefined : value);
  const option = new Option(
    `--${flag} ${argument}`,
    shown === undefined ? help : `${help} (default: ${shown})`,
  ).argParser((text: string, before: readonly string[] | undefined) => [...(before ?? []), text]);
  option.attributeName = () => name;
  return option;
}

/** An option whose value was left out stands for yes. */
function textsOf(value: unknown): readonly string[] {
  return value === true ? ['true'] : (value as readonly string[]);
}

import packageJson from '../../package.json' with { type: 'json' };
import { type CliContext, EXIT } from './context.ts';

export function versionCommand({ stdout }: Pick<CliContext, 'stdout'>): number {
  stdout.write(`veranda ${packageJson.version}\n`);
  return EXIT.ok;
}

import packageJson from '../../package.json' with { type: 'json' };
import { type CliContext, EXIT } from './context.ts';

export const VERSION: string = packageJson.version;

export function versionCommand({ stdout }: Pick<CliContext, 'stdout'>): number {
  stdout.write(`veranda ${VERSION}\n`);
  return EXIT.ok;
}

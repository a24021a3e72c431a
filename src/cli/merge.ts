import { resolve } from 'node:path';
import { describeConflict } from '../merge/describe.ts';
import { mergePackages } from '../merge/merge-packages.ts';
import type { MergeResult, MergeStrategy } from '../merge/types.ts';
import { sanitiseText } from '../observability/sanitise.ts';
import { readPackageDirectory } from '../package/read-dir.ts';
import { writePackageDirectory } from '../package/write-dir.ts';
import { type CliContext, EXIT } from './context.ts';

export interface MergeCommandOptions {
  readonly strategy: MergeStrategy;
  readonly base: string;
  readonly updated: string;
  readonly local: string;
  readonly nested?: boolean;
  readonly conflicts: 'text' | 'json';
}

/**
 * Merges what changed from `base` to `updated` into the package folder `local`. Conflicts are told, as lines on stderr or
 * as JSON on stdout, and are no failure. On an error nothing is written.
 */
export async function mergeCommand(options: MergeCommandOptions, context: CliContext): Promise<number> {
  const { signal } = context;
  const read = (dir: string) => readPackageDirectory(resolve(context.cwd, dir), { signal });
  const [base, updated, local] = [await read(options.base), await read(options.updated), await read(options.local)];
  const { strategy, nested = false } = options;
  const result = mergePackages({ base, local, updated }, { strategy, nested });
  const directory = resolve(context.cwd, options.local);
  await writePackageDirectory(directory, { before: local, after: result.pkg, signal });
  for (const warning of result.warnings) context.stderr.write(`warning: ${sanitiseText(warning)}\n`);
  if (options.conflicts === 'json') context.stdout.write(conflictsAsJson(result));
  else context.stderr.write(conflictsAsText(result));
  return EXIT.ok;
}

function conflictsAsText({ conflicts, omittedConflicts }: MergeResult): string {
  if (conflicts.length === 0) return '';
  const lines = conflicts.map((conflict) => `conflict: ${sanitiseText(describeConflict(conflict))}`);
  const more = omittedConflicts > 0 ? [`and ${omittedConflicts} more`] : [];
  return `${[...lines, ...more].join('\n')}\n`;
}

function conflictsAsJson({ conflicts, omittedConflicts }: MergeResult): string {
  const plain = (_key: string, value: unknown) => (typeof value === 'bigint' ? Number(value) : value);
  return `${JSON.stringify({ conflicts, omitted: omittedConflicts }, plain, 2)}\n`;
}

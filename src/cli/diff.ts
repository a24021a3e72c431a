import { resolve } from 'node:path';
import { shownValue } from '../merge/describe.ts';
import { diffResources, diffText, type ResourceDifference } from '../merge/package-diff.ts';
import { sanitiseText } from '../observability/sanitise.ts';
import { readPackageDirectory } from '../package/read-dir.ts';
import { type CliContext, EXIT } from './context.ts';

/** Prints what leads from one package folder to another: by resource and field, then as text. Nothing when they are equal. */
export async function diffCommand(a: string, b: string, context: CliContext): Promise<number> {
  const { signal } = context;
  const before = await readPackageDirectory(resolve(context.cwd, a), { signal });
  const after = await readPackageDirectory(resolve(context.cwd, b), { signal });
  const resources = diffResources(before, after).flatMap(describeDifference);
  const text = diffText(before, after);
  const summary = resources.length > 0 ? `${resources.join('\n')}\n\n` : '';
  context.stdout.write(sanitiseText(`${summary}${text}`));
  return EXIT.ok;
}

const MARK = { added: '+', removed: '-', changed: '~' } as const;

function describeDifference({ change, resource, file, fields }: ResourceDifference): string[] {
  const lines = fields.map(({ field, before, after }) => `    ${field}: ${shownValue(before)} -> ${shownValue(after)}`);
  return [`${MARK[change]} ${resource} (${file})`, ...lines];
}

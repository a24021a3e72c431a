import { join, resolve } from 'node:path';
import { TerminalError, VerandaError } from '../api/errors.ts';
import { sanitiseText } from '../observability/sanitise.ts';
import type { Package } from '../package/package.ts';
import { readPackageDirectory } from '../package/read-dir.ts';
import { KPTFILE } from '../package/subpackages.ts';
import { writePackageDirectory } from '../package/write-dir.ts';
import type { RenderReport, RenderStep } from '../render/types.ts';
import { type CliContext, EXIT } from './context.ts';
import { unreadable } from './manifest-files.ts';
import { openRenderer } from './renderer.ts';

/**
 * Renders a package folder in place. Progress and results go to stderr, as with `kpt fn render`.
 * @throws TerminalError UnreadableFile, NoKptfile, and as `readPackageDirectory`
 */
export async function renderCommand(dir: string, context: CliContext): Promise<number> {
  const directory = resolve(context.cwd, dir);
  const { signal } = context;
  const before = await readPackage(directory, signal);
  const renderer = openRenderer();
  try {
    const { package: after, report } = await renderer.render(before, { signal });
    await writePackageDirectory(directory, { before, after, signal });
    context.stderr.write(withoutControls(sanitiseText(describeReport(report))));
    return report.failure ? EXIT.failed : EXIT.ok;
  } finally {
    await renderer.close();
  }
}

async function readPackage(directory: string, signal: AbortSignal): Promise<Package> {
  const pkg = await readPackageDirectory(directory, { signal }).catch((error: unknown) => {
    throw error instanceof VerandaError || signal.aborted ? error : unreadable(directory, error);
  });
  if (pkg.has(KPTFILE)) return pkg;
  throw new TerminalError('NoKptfile', `No Kptfile found at ${join(directory, KPTFILE)}`);
}

/** Results quote packages, which may hold what a terminal obeys. */
function withoutControls(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\t]/gu, ' ');
}

export function describeReport(report: RenderReport): string {
  const lines = report.steps.flatMap(describeStep);
  lines.push(...report.warnings.map((warning) => `warning: ${warning}`));
  const packages = new Set(report.steps.map((step) => step.packagePath)).size;
  const succeeded = report.steps.filter((step) => step.exitCode === 0).length;
  lines.push(
    report.failure
      ? `${report.failure.reason}: ${report.failure.message}`
      : `Successfully executed ${succeeded} function(s) in ${packages} package(s).`,
  );
  return `${lines.join('\n')}\n`;
}

function describeStep(step: RenderStep): string[] {
  const fn = step.image ?? step.exec ?? step.name ?? '';
  const place = step.packagePath === '' ? '.' : step.packagePath;
  const lines = [`[${step.exitCode === 0 ? 'PASS' : 'FAIL'}] "${fn}" on package "${place}"`];
  for (const { severity, resourceRef, field, message } of step.results) {
    const ref =
      resourceRef &&
      [resourceRef.apiVersion, resourceRef.kind, resourceRef.namespace, resourceRef.name].filter(Boolean).join('/');
    lines.push(
      `  [${severity ?? 'info'}] ${[ref, field?.path].filter(Boolean).join(' ')}${ref || field?.path ? ': ' : ''}${message}`,
    );
  }
  if (step.stderr)
    lines.push(
      '  stderr:',
      ...step.stderr
        .trimEnd()
        .split('\n')
        .map((line) => `    ${line}`),
    );
  if (step.executionError) lines.push(`  ${step.executionError}`);
  if (step.exitCode !== 0) lines.push(`  exit code: ${step.exitCode}`);
  return lines;
}

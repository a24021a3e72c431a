import { resolve } from 'node:path';
import { sanitiseText } from '../observability/sanitise.ts';
import { readPackageDirectory } from '../package/read-dir.ts';
import { writePackageDirectory } from '../package/write-dir.ts';
import type { RenderReport, RenderStep } from '../render/types.ts';
import { type CliContext, EXIT } from './context.ts';
import { openRenderer } from './renderer.ts';

/** Renders a package folder in place. Progress and results go to stderr, as with `kpt fn render`. */
export async function renderCommand(dir: string, context: CliContext): Promise<number> {
  const directory = resolve(context.cwd, dir);
  const { signal } = new AbortController();
  const before = await readPackageDirectory(directory, { signal });
  const renderer = openRenderer();
  try {
    const { package: after, report } = await renderer.render(before, { signal });
    await writePackageDirectory(directory, { before, after, signal });
    context.stderr.write(sanitiseText(describeReport(report)));
    return report.failure ? EXIT.failed : EXIT.ok;
  } finally {
    await renderer.close();
  }
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
    const ref = resourceRef && [resourceRef.apiVersion, resourceRef.kind, resourceRef.namespace, resourceRef.name].filter(Boolean).join('/');
    lines.push(`  [${severity ?? 'info'}] ${[ref, field?.path].filter(Boolean).join(' ')}${ref || field?.path ? ': ' : ''}${message}`);
  }
  if (step.stderr) lines.push('  stderr:', ...step.stderr.trimEnd().split('\n').map((line) => `    ${line}`));
  if (step.executionError) lines.push(`  ${step.executionError}`);
  if (step.exitCode !== 0) lines.push(`  exit code: ${step.exitCode}`);
  return lines;
}

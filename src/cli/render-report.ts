import { basename, posix } from 'node:path';
import { HOUSE_STYLE, renderBlock } from '../krm/emit.ts';
import { defined, type FunctionResult, resultMap } from '../krm/resource-list.ts';
import type { KrmMap } from '../krm/value.ts';
import type { RenderReport, RenderStep } from '../render/types.ts';

export interface ReportStyle {
  /** Absolute folder of the root package; its name stands for it. */
  readonly directory: string;
  /** Cut long messages. */
  readonly truncate: boolean;
}

/** Lines of one message that are shown when it is cut. */
const SHOWN_LINES = 4;

/** What of the command line helps against a failure. */
const HINTS: Readonly<Record<string, readonly string[]>> = {
  ImageNotAllowed: ['  --allow-images adds registry paths that images may come from'],
  Timeout: ['  --fn-timeout gives functions more time'],
};

/** A render as `kpt fn render` tells of it. */
export function describeReport(report: RenderReport, style: ReportStyle): string {
  const { steps, failure, warnings } = report;
  const lines: string[] = [];
  let current: string | undefined;
  for (const step of steps) {
    const place = posix.join(basename(style.directory), step.packagePath);
    if (place !== current) lines.push(...(current === undefined ? [] : ['']), `Package ${quote(place)}:`);
    current = place;
    lines.push(...describeStep(step, place, style.truncate));
  }
  if (steps.length > 0) lines.push('');
  lines.push(...warnings.map((warning) => `[WARN] ${warning}`));
  const ran = steps.filter(({ exitCode, skipped }) => exitCode === 0 && skipped !== true).length;
  const packages = new Set(steps.map(({ packagePath }) => packagePath)).size;
  if (failure === undefined) lines.push(`Successfully executed ${ran} function(s) in ${packages} package(s).`);
  else lines.push(`${failure.reason}: ${failure.message}`, ...(HINTS[failure.reason] ?? []));
  return `${lines.join('\n')}\n`;
}

function describeStep(step: RenderStep, place: string, truncate: boolean): string[] {
  const name = quote(step.image ?? step.exec ?? step.name ?? '');
  if (step.skipped) return [`[SKIPPED] ${name} on package ${quote(place)} (condition not met)`];
  const selection = step.selected === undefined ? '' : ` on ${step.selected} resource(s)`;
  const verdict = step.exitCode === 0 ? 'PASS' : 'FAIL';
  const lines = [
    `[RUNNING] ${name}${selection} on package ${quote(place)}`,
    `[${verdict}] ${name} in ${duration(step.milliseconds)}`,
  ];
  const cut = (text: string, indent: string) => indented(text, indent, truncate);
  if (step.results.length > 0) {
    lines.push('  [Results]:', ...step.results.flatMap((result) => cut(describeResult(result), '    ')));
  }
  if (step.stderr) lines.push('  Stderr:', ...cut(step.stderr.trimEnd(), '    '));
  if (step.executionError) lines.push(...cut(step.executionError, '  '));
  if (step.exitCode !== 0) lines.push(`  Exit code: ${step.exitCode}`);
  return lines;
}

function describeResult({ severity, resourceRef, field, message }: FunctionResult): string {
  const { apiVersion, kind, namespace, name } = resourceRef ?? {};
  const ref = [apiVersion, kind, namespace, name].filter((part) => part).join('/');
  const place = [ref, field?.path].filter((part) => part).join(' ');
  return `[${severity ?? 'info'}]${place === '' ? '' : ` ${place}`}: ${message}`;
}

function indented(text: string, indent: string, truncate: boolean): string[] {
  const lines = text.split('\n');
  const shown = truncate ? lines.slice(0, SHOWN_LINES) : lines;
  const hidden = lines.length - shown.length;
  const note = `...(${hidden} line(s) truncated, use \`--truncate-output=false\` to disable)`;
  return [...shown, ...(hidden === 0 ? [] : [note])].map((line) => indent + line);
}

function duration(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds}ms` : `${(milliseconds / 1000).toFixed(1)}s`;
}

function quote(text: string): string {
  return JSON.stringify(text);
}

/** The file of a results folder: a `FunctionResultList`, lists indented. */
export function resultsFile({ steps, failure }: RenderReport): string {
  const list = {
    apiVersion: 'kpt.dev/v1',
    kind: 'FunctionResultList',
    metadata: { name: 'fnresults' },
    exitCode: failure === undefined ? 0 : 1,
    items: steps.map(toItem),
  };
  return renderBlock(list, 0, { ...HOUSE_STYLE, listOffset: 2 });
}

function toItem(step: RenderStep): KrmMap {
  return defined({
    image: step.image,
    exec: step.image === undefined ? step.exec : undefined,
    package: step.packagePath || undefined,
    skipped: step.skipped,
    executionError: step.executionError,
    stderr: step.stderr,
    exitCode: step.exitCode,
    results: step.results.length === 0 ? undefined : step.results.map(resultMap),
  });
}

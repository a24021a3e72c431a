import { stringifyKrm } from '../../krm/file.ts';
import type { KrmValue } from '../../krm/value.ts';
import { describeConflict } from '../../merge/describe.ts';
import { sanitiseText, sanitiseValue } from '../../observability/sanitise.ts';
import { type OutputFormat, oneLine, type ReportedError } from '../report.ts';
import { formatTable, type Paint } from '../table.ts';
import type { PlannedChange, PlannedObstacle } from './changes.ts';

export interface PlanReport {
  readonly changes: readonly PlannedChange[];
  readonly obstacles: readonly PlannedObstacle[];
  /** Variants for which nothing is to be done. */
  readonly unchanged: number;
  /** Faults of the manifests themselves. */
  readonly errors: readonly ReportedError[];
}

export interface PlanFormat {
  readonly format: OutputFormat;
  readonly diff: boolean;
  readonly colour: boolean;
}

export function formatPlan(report: PlanReport, { format, diff, colour }: PlanFormat): string {
  if (format === 'table') return formatText(report, diff, colour);
  const changes = diff ? report.changes : report.changes.map(({ diff: _diff, ...change }) => change);
  const document = { kind: 'PlanReport', ...report, changes };
  const plain: KrmValue = JSON.parse(JSON.stringify(document, (_key, value) => plainJson(value)));
  return format === 'json' ? `${JSON.stringify(plain, undefined, 2)}\n` : `---\n${stringifyKrm(plain)}`;
}

function plainJson(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  return typeof value === 'string' ? sanitiseValue(value) : value;
}

function formatText({ changes, obstacles, unchanged }: PlanReport, diff: boolean, colour: boolean): string {
  const sections: string[] = [];
  if (changes.length > 0) {
    const header = ['ACTION', 'PACKAGE', 'WORKSPACE', 'UPSTREAM', 'ENDS', 'RESOURCES', 'CONFLICTS'];
    sections.push(formatTable(header, changes.map(changeRow), colour ? paintAction : undefined));
  }
  if (obstacles.length > 0) {
    const rows = obstacles.map(({ object, reason, message }) => [object, reason, oneLine(message)]);
    sections.push(formatTable(['NOT READY', 'REASON', 'MESSAGE'], rows));
  }
  if (diff) sections.push(...changes.map(details).filter((text) => text !== ''));
  sections.push(summary(changes, obstacles, unchanged));
  return `${sections.join('\n\n')}\n`;
}

function changeRow(change: PlannedChange): string[] {
  const count = (kind: 'added' | 'changed' | 'removed') =>
    change.resources.filter((resource) => resource.change === kind).length;
  return [
    change.action,
    `${change.repository}/${change.package}`,
    change.workspace,
    change.upstream ?? '-',
    change.number === undefined ? change.lifecycle : `${change.lifecycle} v${change.number}`,
    `+${count('added')} ~${count('changed')} -${count('removed')}`,
    String(change.conflicts.length),
  ];
}

/** The differences of one package, and what is wrong with it. */
function details({ repository, package: pkg, conflicts, failure, diff }: PlannedChange): string {
  const lines = [
    ...(failure === undefined ? [] : [`failure: ${oneLine(failure)}`]),
    ...conflicts.map((conflict) => `conflict: ${describeConflict(conflict)}`),
  ];
  const text = [...lines, diff.trimEnd()].filter((part) => part !== '').join('\n');
  return text === '' ? '' : `# ${repository}/${pkg}\n${sanitiseText(text)}`;
}

function summary(changes: readonly PlannedChange[], obstacles: readonly PlannedObstacle[], unchanged: number): string {
  const counts = Map.groupBy(changes, ({ action }) => action);
  const parts = [...counts].map(([action, list]) => `${list.length} to ${WORDS[action]}`);
  const blocked = obstacles.length > 0 ? [`${obstacles.length} objects not Ready`] : [];
  return `Plan: ${[...parts, `${unchanged} unchanged`, ...blocked].join(', ')}. Nothing was written.`;
}

const WORDS: Readonly<Record<PlannedChange['action'], string>> = {
  create: 'create',
  upgrade: 'upgrade',
  edit: 'edit',
  change: 'change in their drafts',
  publish: 'publish',
  proposeDeletion: 'propose for deletion',
  delete: 'delete',
};

const COLOURS: Readonly<Record<string, number>> = { create: 32, delete: 31, proposeDeletion: 31 };

const paintAction: Paint = (cell, _row, column) =>
  column === 0 ? `\u001b[${COLOURS[cell.trimEnd()] ?? 33}m${cell}\u001b[0m` : cell;

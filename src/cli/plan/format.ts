import { stringifyKrm } from '../../krm/file.ts';
import type { KrmValue } from '../../krm/value.ts';
import { describeConflict } from '../../merge/describe.ts';
import { sanitiseText, sanitiseValue } from '../../observability/sanitise.ts';
import { type OutputFormat, oneLine, type ReportedError } from '../report.ts';
import { formatTable, type Paint } from '../table.ts';
import type { PlannedChange, PlannedObstacle } from './changes.ts';
import type { PlannedVariant } from './variants.ts';

/** Fields of a variant that its line names. */
const MAX_FIELDS = 4;

export interface PlanReport {
  readonly changes: readonly PlannedChange[];
  /** Of a cluster: what becomes of its PackageVariants. */
  readonly variants?: readonly PlannedVariant[];
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
  const document = { kind: 'PlanReport', summary: summaryOf(report), ...report, changes };
  const plain: KrmValue = JSON.parse(JSON.stringify(document, (_key, value) => plainJson(value)));
  return format === 'json' ? `${JSON.stringify(plain, undefined, 2)}\n` : `---\n${stringifyKrm(plain)}`;
}

function plainJson(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  return typeof value === 'string' ? sanitiseValue(value) : value;
}

function formatText(report: PlanReport, diff: boolean, colour: boolean): string {
  const { changes, variants = [], obstacles } = report;
  const sections: string[] = [];
  const paint = colour ? paintAction : undefined;
  const place = placer([...changes.map(({ revision }) => revision), ...variants.map(({ variant }) => variant)]);
  if (variants.length > 0) {
    const rows = variants.map((planned) => variantRow(planned, place));
    sections.push(formatTable(['ACTION', 'VARIANT', 'SET', 'DOWNSTREAM', 'FIELDS'], rows, paint));
  }
  if (changes.length > 0) {
    const header = ['ACTION', 'PACKAGE', 'WORKSPACE', 'UPSTREAM', 'ENDS', 'RESOURCES', 'CONFLICTS'];
    const rows = changes.map((change) => changeRow(change, place));
    sections.push(formatTable(header, rows, paint));
  }
  if (obstacles.length > 0) {
    const rows = obstacles.map(({ object, reason, message }) => [object, reason, oneLine(message)]);
    sections.push(formatTable(['NOT READY', 'REASON', 'MESSAGE'], rows));
  }
  if (diff) sections.push(...changes.map((change) => details(change, place)).filter((text) => text !== ''));
  sections.push(describeSummary(report));
  return `${sections.join('\n\n')}\n`;
}

/** `<namespace>/` before what is of one, where the plan is about several. */
type Placer = (key: string, text?: string) => string;

function placer(keys: readonly string[]): Placer {
  const isOne = new Set(keys.map(namespaceOf)).size <= 1;
  return (key, text = key.slice(namespaceOf(key).length + 1)) => (isOne ? text : `${namespaceOf(key)}/${text}`);
}

function namespaceOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/'));
}

function variantRow(
  { action, variant, set, repository, package: pkg, fields }: PlannedVariant,
  place: Placer,
): string[] {
  const shown = fields?.slice(0, MAX_FIELDS) ?? [];
  const more = (fields?.length ?? 0) - shown.length;
  return [
    action,
    place(variant),
    set === undefined ? '-' : place(set),
    `${repository}/${pkg}`,
    [...shown, ...(more > 0 ? [`${more} more`] : [])].join(', ') || '-',
  ];
}

function changeRow(change: PlannedChange, place: Placer): string[] {
  const count = (kind: 'added' | 'changed' | 'removed') =>
    change.resources.filter((resource) => resource.change === kind).length;
  return [
    change.action,
    place(change.revision, `${change.repository}/${change.package}`),
    change.workspace,
    change.upstream ?? '-',
    [change.lifecycle ?? 'gone', ...(change.number === undefined ? [] : [`v${change.number}`])].join(' '),
    `+${count('added')} ~${count('changed')} -${count('removed')}`,
    String(change.conflicts.length),
  ];
}

/** The differences of one package, and what is wrong with it. */
function details(
  { revision, repository, package: pkg, conflicts, failure, diff }: PlannedChange,
  place: Placer,
): string {
  const lines = [
    ...(failure === undefined ? [] : [`failure: ${oneLine(failure)}`]),
    ...conflicts.map((conflict) => `conflict: ${describeConflict(conflict)}`),
  ];
  const text = [...lines, diff.trimEnd()].filter((part) => part !== '').join('\n');
  return text === '' ? '' : `# ${place(revision, `${repository}/${pkg}`)}\n${sanitiseText(text)}`;
}

/** Numbers of everything that the plan holds. */
export interface PlanSummary {
  /** Packages, by what happens to them; what happens to none is left out. */
  readonly packages: { readonly [action in PlannedChange['action']]?: number };
  readonly variants?: { readonly [action in PlannedVariant['action']]: number };
  /** Packages with merge conflicts, and conflicts. */
  readonly conflicts: { readonly packages: number; readonly total: number };
  readonly unchanged: number;
  readonly obstacles: number;
}

function summaryOf({ changes, variants, obstacles, unchanged }: PlanReport): PlanSummary {
  const actions = [...Map.groupBy(changes, ({ action }) => action)].map(([action, list]) => [action, list.length]);
  const count = (action: PlannedVariant['action']) =>
    variants?.filter((planned) => planned.action === action).length ?? 0;
  return {
    packages: Object.fromEntries(actions),
    ...(variants ? { variants: { create: count('create'), update: count('update'), delete: count('delete') } } : {}),
    conflicts: {
      packages: changes.filter(({ conflicts }) => conflicts.length > 0).length,
      total: changes.reduce((sum, { conflicts }) => sum + conflicts.length, 0),
    },
    unchanged,
    obstacles: obstacles.length,
  };
}

function describeSummary(report: PlanReport): string {
  const { packages, variants, conflicts, unchanged, obstacles } = summaryOf(report);
  const actions = Object.entries(packages) as readonly [PlannedChange['action'], number][];
  const parts = actions.map(([action, count]) => `${count} to ${WORDS[action]}`);
  const merges = conflicts.packages > 0 ? [`${conflicts.total} merge conflicts in ${conflicts.packages} packages`] : [];
  const blocked = obstacles > 0 ? [`${obstacles} objects not Ready`] : [];
  const plan = `Plan: ${[...parts, `${unchanged} unchanged`, ...merges, ...blocked].join(', ')}. Nothing was written.`;
  if (!variants) return plan;
  return `Variants: ${variants.create} to create, ${variants.update} to change, ${variants.delete} to delete.\n${plan}`;
}

const WORDS: Readonly<Record<PlannedChange['action'], string>> = {
  create: 'create',
  upgrade: 'upgrade',
  edit: 'edit',
  change: 'change in their drafts',
  propose: 'propose',
  publish: 'publish',
  reject: 'send back',
  proposeDeletion: 'propose for deletion',
  delete: 'delete',
};

const COLOURS: Readonly<Record<string, number>> = { create: 32, delete: 31, proposeDeletion: 31 };

const paintAction: Paint = (cell, _row, column) =>
  column === 0 ? `\u001b[${COLOURS[cell.trimEnd()] ?? 33}m${cell}\u001b[0m` : cell;

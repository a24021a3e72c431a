import { relative } from 'node:path';
import { VerandaError } from '../api/errors.ts';
import type { PackageRevision, PackageVariant, PackageVariantSet, Repository } from '../api/kinds.ts';
import type { Condition, KubeObject } from '../api/object.ts';
import { stringifyKrm } from '../krm/file.ts';
import type { KrmValue } from '../krm/value.ts';
import { findCondition } from '../kube/conditions.ts';
import { sanitiseText, sanitiseValue } from '../observability/sanitise.ts';
import { formatTable, type Paint } from './table.ts';

export type OutputFormat = 'table' | 'json' | 'yaml';

/** What a run ended with: the objects that the manifests asked for, as the controllers left them. */
export interface RunReport {
  readonly repositories: readonly Repository[];
  readonly variantSets: readonly PackageVariantSet[];
  /** Those of sets as well. */
  readonly variants: readonly PackageVariant[];
  /** Revisions that a manifest asked for by itself, and those whose merge had conflicts. */
  readonly revisions: readonly PackageRevision[];
  /** Faults of the manifests themselves. */
  readonly errors: readonly ReportedError[];
  readonly warnings: readonly ReportedWarning[];
}

/** A fault of a manifest; its document has no object in the report. */
export interface ReportedError {
  readonly reason: string;
  readonly message: string;
  /** `<Kind> <namespace>/<name>`. */
  readonly object?: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly field?: string;
}

export interface ReportedWarning {
  readonly object: string;
  readonly reason: string;
  readonly message: string;
}

export interface TableOptions {
  /** Files are shown relative to it. */
  readonly cwd: string;
  readonly colour: boolean;
  /** Columns of the terminal; messages are cut to fit. Absent where lines may have any length. */
  readonly width?: number;
}

const MIN_MESSAGE = 40;

export function reportedError(error: Error): ReportedError {
  if (!(error instanceof VerandaError)) return { reason: 'InternalError', message: sanitiseText(error.message) };
  return { reason: error.reason, message: sanitiseText(error.message), ...error.location };
}

/** Everything is Ready as its spec is now, and no manifest was at fault. */
export function isAllReady(report: RunReport): boolean {
  return report.errors.length === 0 && objectsOf(report).every(isReady);
}

/** Whether an object is Ready, at the generation that it has. */
export function isReady(object: KubeObject): boolean {
  const ready = readyCondition(object);
  if (ready?.status !== 'True') return false;
  return ready.observedGeneration === undefined || ready.observedGeneration === object.metadata.generation;
}

export function formatReport(report: RunReport, format: OutputFormat, table: TableOptions): string {
  if (format === 'table') return formatTables(report, table);
  const { errors, warnings } = report;
  const document = { kind: 'RunReport', ready: isAllReady(report), items: objectsOf(report), errors, warnings };
  // Conditions quote servers and packages.
  const plain: KrmValue = JSON.parse(JSON.stringify(document, (_key, value) => plainJson(value)));
  return format === 'json' ? `${JSON.stringify(plain, undefined, 2)}\n` : `---\n${stringifyKrm(plain)}`;
}

function plainJson(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  return typeof value === 'string' ? sanitiseValue(value) : value;
}

function objectsOf(report: RunReport): readonly KubeObject[] {
  return [...report.repositories, ...report.variantSets, ...report.variants, ...report.revisions];
}

interface Section {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

function formatTables(report: RunReport, options: TableOptions): string {
  const sections: Section[] = [
    {
      header: ['MANIFEST', 'OBJECT', 'FIELD', 'MESSAGE'],
      rows: report.errors.map((error) => errorRow(error, options.cwd)),
    },
    {
      header: ['REPOSITORY', 'READY', 'MESSAGE'],
      rows: report.repositories.filter((object) => !isReady(object)).map(plainRow),
    },
    { header: ['VARIANT SET', 'READY', 'MESSAGE'], rows: report.variantSets.map(plainRow) },
    {
      header: ['VARIANT', 'UPSTREAM', 'DOWNSTREAM', 'PHASE', 'REVISION', 'RENDERED', 'MESSAGE'],
      rows: report.variants.map(variantRow),
    },
    {
      header: ['PACKAGE REVISION', 'LIFECYCLE', 'REVISION', 'READY', 'MESSAGE'],
      rows: report.revisions.map(revisionRow),
    },
  ];
  const shown = sections.filter(({ rows }) => rows.length > 0).map((section) => formatSection(section, options));
  return shown.map((section) => `${section}\n`).join('\n');
}

function formatSection({ header, rows }: Section, { colour, width }: TableOptions): string {
  const last = header.length - 1;
  const before = header.slice(0, last).reduce((sum, title, column) => {
    return sum + 2 + Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length));
  }, 0);
  const room = width === undefined ? Number.POSITIVE_INFINITY : Math.max(MIN_MESSAGE, width - before);
  const fitting = rows.map((row) => row.map((cell, column) => (column === last ? cut(cell, room) : cell)));
  return formatTable(header, fitting, colour ? paintState(header) : undefined);
}

function cut(text: string, room: number): string {
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`;
}

const COLOURS: Readonly<Record<string, number>> = {
  Published: 32,
  True: 32,
  Draft: 33,
  Proposed: 33,
  Pending: 33,
  Unknown: 33,
  Blocked: 31,
  False: 31,
};

/** Colours the column that tells how things stand. */
function paintState(header: readonly string[]): Paint {
  const state = Math.max(header.indexOf('PHASE'), header.indexOf('READY'));
  return (cell, _row, column) => {
    const code = column === state ? COLOURS[cell.trimEnd()] : undefined;
    return code === undefined ? cell : `\u001b[${code}m${cell}\u001b[0m`;
  };
}

function errorRow({ file, line, object, field, message }: ReportedError, cwd: string): string[] {
  const shown = file === undefined ? '-' : displayPath(file, cwd);
  return [line === undefined ? shown : `${shown}:${line}`, object ?? '-', field || '-', oneLine(message)];
}

/** The shorter one of the two ways to write a path. */
export function displayPath(file: string, cwd: string): string {
  const near = relative(cwd, file);
  return near !== '' && near.length < file.length ? near : file;
}

function plainRow(object: KubeObject): string[] {
  return [nameOf(object), readyCondition(object)?.status ?? 'Unknown', message(object)];
}

function variantRow(variant: PackageVariant): string[] {
  const { spec, status } = variant;
  const [target] = status?.downstreamTargets ?? [];
  const version =
    status?.upstream?.workspaceName ?? spec.upstream.workspaceName ?? wantedRevision(spec.upstream.revision);
  return [
    nameOf(variant),
    `${spec.upstream.repo}/${spec.upstream.package}@${version}`,
    `${spec.downstream.repo}/${spec.downstream.package}`,
    status?.phase ?? 'Pending',
    target?.revision ? String(target.revision) : '-',
    target ? (target.rendered ? 'yes' : 'no') : '-',
    message(variant),
  ];
}

function wantedRevision(revision: number | undefined): string {
  return revision ? `v${revision}` : 'latest';
}

function revisionRow(revision: PackageRevision): string[] {
  const { status } = revision;
  const ready = readyCondition(revision)?.status ?? 'Unknown';
  return [
    nameOf(revision),
    status?.observedLifecycle ?? '-',
    String(status?.revision ?? '-'),
    ready,
    message(revision),
  ];
}

/** The namespace is shown where it is not the one that everything is in by default. */
export function nameOf({ metadata }: KubeObject): string {
  const { namespace, name } = metadata;
  return namespace === undefined || namespace === 'default' ? name : `${namespace}/${name}`;
}

export function readyCondition(object: KubeObject): Condition | undefined {
  const { status } = object as KubeObject & { readonly status?: { readonly conditions?: readonly Condition[] } };
  return findCondition(status?.conditions, 'Ready');
}

function message(object: KubeObject): string {
  const found = readyCondition(object);
  if (!found) return 'not looked at yet';
  return oneLine(found.status === 'True' ? found.message : `${found.reason}: ${found.message}`);
}

/** Text of others as one line, without what a terminal would obey. */
export function oneLine(text: string): string {
  return sanitiseText(text).replaceAll(/[\p{Cc}\s]+/gu, ' ');
}

/** `<Kind> <namespace>/<name>: reason: message`. */
export function describeWarning({ object, reason, message: text }: ReportedWarning): string {
  return `${object}: ${reason}: ${oneLine(text)}`;
}

/** `file:line: object: field: message`, with the parts that are known. */
export function describeFault({ file, line, object, field, message }: ReportedError, cwd: string): string {
  const shown = file === undefined ? undefined : displayPath(file, cwd);
  const place = shown !== undefined && line !== undefined ? `${shown}:${line}` : shown;
  return [place, object, field || undefined, oneLine(message)].filter((part) => part !== undefined).join(': ');
}

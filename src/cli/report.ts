import { stringifyKrm } from '../krm/file.ts';
import type { KrmValue } from '../krm/value.ts';
import type { PackageRevision, PackageVariant, Repository } from '../api/kinds.ts';
import type { KubeObject } from '../api/object.ts';
import { findCondition } from '../kube/conditions.ts';
import { formatTable } from './table.ts';

export type OutputFormat = 'table' | 'json' | 'yaml';

/** What a run ended with: the objects that the manifests asked for, as the controllers left them. */
export interface RunReport {
  readonly repositories: readonly Repository[];
  readonly variants: readonly PackageVariant[];
  /** Revisions that a manifest asked for by itself, not those of variants or those found in git. */
  readonly revisions: readonly PackageRevision[];
  /** Faults of the manifests themselves, already worded. */
  readonly errors: readonly string[];
}

const MAX_MESSAGE = 100;

/** Everything is Ready and no manifest was at fault. */
export function isAllReady({ repositories, variants, revisions, errors }: RunReport): boolean {
  return errors.length === 0 && [...repositories, ...variants, ...revisions].every((object) => condition(object)?.status === 'True');
}

export function formatReport(report: RunReport, format: OutputFormat): string {
  if (format === 'table') return formatTables(report);
  const list = { apiVersion: 'v1', kind: 'List', items: [...report.repositories, ...report.variants, ...report.revisions] };
  return format === 'json' ? `${JSON.stringify(list, undefined, 2)}\n` : stringifyKrm(list as unknown as KrmValue);
}

function formatTables(report: RunReport): string {
  const { repositories, variants, revisions } = report;
  const sections: string[] = [];
  const faulty = repositories.filter((repository) => condition(repository)?.status !== 'True');
  if (faulty.length > 0) {
    sections.push(formatTable(['REPOSITORY', 'READY', 'MESSAGE'], faulty.map((object) => [object.metadata.name, ready(object), message(object)])));
  }
  if (variants.length > 0) {
    const header = ['VARIANT', 'UPSTREAM', 'DOWNSTREAM', 'PHASE', 'REVISION', 'RENDERED', 'MESSAGE'];
    sections.push(formatTable(header, variants.map(variantRow)));
  }
  if (revisions.length > 0) {
    const header = ['PACKAGE REVISION', 'LIFECYCLE', 'REVISION', 'READY', 'MESSAGE'];
    sections.push(formatTable(header, revisions.map(revisionRow)));
  }
  return sections.map((section) => `${section}\n`).join('\n');
}

function variantRow(variant: PackageVariant): string[] {
  const { spec, status, metadata } = variant;
  const [target] = status?.downstreamTargets ?? [];
  const version = status?.upstream?.workspaceName ?? spec.upstream?.workspaceName ?? (spec.upstream?.revision ? `v${spec.upstream.revision}` : 'latest');
  return [
    metadata.name,
    `${spec.upstream?.repo}/${spec.upstream?.package}@${version}`,
    `${spec.downstream?.repo}/${spec.downstream?.package}`,
    status?.phase ?? 'Pending',
    target?.revision ? String(target.revision) : '-',
    target ? (target.rendered ? 'yes' : 'no') : '-',
    message(variant),
  ];
}

function revisionRow(revision: PackageRevision): string[] {
  const { metadata, status } = revision;
  return [metadata.name, status?.observedLifecycle ?? '-', String(status?.revision ?? '-'), ready(revision), message(revision)];
}

function condition(object: KubeObject): ReturnType<typeof findCondition> {
  const { status } = object as KubeObject & { readonly status?: { readonly conditions?: Parameters<typeof findCondition>[0] } };
  return findCondition(status?.conditions, 'Ready');
}

function ready(object: KubeObject): string {
  return condition(object)?.status ?? 'Unknown';
}

function message(object: KubeObject): string {
  const found = condition(object);
  if (!found) return 'not looked at yet';
  const text = found.status === 'True' ? found.message : `${found.reason}: ${found.message}`;
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > MAX_MESSAGE ? `${line.slice(0, MAX_MESSAGE - 1)}…` : line;
}

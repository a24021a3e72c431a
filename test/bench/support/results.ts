import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../../..');
/** Benches leave their results here for the report; not under version control. */
export const RESULTS = join(ROOT, '.cache/bench');

/** The column names of a table, then its rows. */
export interface ResultTable {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

export interface Target {
  readonly what: string;
  readonly limit: string;
  readonly measured: string;
  readonly met: boolean;
}

export interface BenchResult {
  readonly name: string;
  readonly title: string;
  /** What was run and how it was measured. */
  readonly method: string;
  readonly machine: string;
  readonly date: string;
  readonly commit: string;
  readonly seed: number;
  readonly tables: readonly ResultTable[];
  readonly targets: readonly Target[];
}

/** A target that is met by `limit` and less. */
export function atMost(what: string, limit: number, measured: number, unit = ''): Target {
  return { what, limit: `at most ${limit}${unit}`, measured: `${rounded(measured)}${unit}`, met: measured <= limit };
}

/** Prints a bench's result and keeps it for the report. The process's exit code tells whether the targets are met. */
export async function publish(result: Omit<BenchResult, 'machine' | 'date' | 'commit'>): Promise<void> {
  const complete: BenchResult = {
    ...result,
    machine: machineLine(),
    date: new Date().toISOString(),
    commit: commitLine(),
  };
  await mkdir(RESULTS, { recursive: true });
  await writeFile(join(RESULTS, `${result.name}.json`), `${JSON.stringify(complete, null, 2)}\n`);
  process.stdout.write(`${formatResult(complete)}\n`);
  if (result.targets.some(({ met }) => !met)) process.exitCode = 1;
}

/** A bench's result in Markdown. */
export function formatResult({ title, method, machine, date, commit, seed, tables, targets }: BenchResult): string {
  const parts = [`## ${title}`, method, `Machine: ${machine}. Date: ${date}. Commit: ${commit}. Seed: ${seed}.`];
  for (const table of tables) parts.push(`**${table.title}**`, formatTable(table.columns, table.rows));
  if (targets.length > 0) {
    const rows = targets.map(({ what, limit, measured, met }) => [what, limit, measured, met ? 'yes' : '**no**']);
    parts.push('**Targets**', formatTable(['what', 'target', 'measured', 'met'], rows));
  }
  return `${parts.join('\n\n')}\n`;
}

function formatTable(columns: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}

function machineLine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  return `${availableParallelism()} x ${model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node.js ${process.version}, load average ${rounded(loadavg()[0] ?? 0)}`;
}

function commitLine(): string {
  try {
    const git = (...args: string[]) => execFileSync('git', ['-C', ROOT, ...args], { encoding: 'utf8' }).trim();
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', 'src') === '' ? '' : ' with changes'}`;
  } catch {
    return 'unknown';
  }
}

/** Three significant digits, for tables. */
export function rounded(value: number): string {
  if (value === 0 || value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toPrecision(3);
}

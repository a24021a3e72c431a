// Runs the recorded cases of the reference against the built command and writes docs/conformance.md.
//
//   node scripts/conformance.mjs [--check]     --check: exit status 1 when a counted case fails or a difference has no
//                                              known reason; the file is not written
//
// The cases lie in VERANDA_CONFORMANCE (default ../shared/conformance). Build first: node scripts/build.mjs
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parse } from 'yaml';

const root = join(import.meta.dirname, '..');
const cases = process.env.VERANDA_CONFORMANCE ?? join(root, '../shared/conformance');
const command = join(root, 'bin/veranda');
const check = process.argv.includes('--check');
const suites = ['fn-render', ...(commandExists('merge') ? ['pkg-update'] : [])];

if (!existsSync(join(cases, 'run.mjs'))) {
  console.error(`no recorded cases at ${cases}: set VERANDA_CONFORMANCE`);
  process.exit(check ? 1 : 0);
}
const work = mkdtempSync(join(tmpdir(), 'veranda-conformance-'));
try {
  const reports = suites.map((suite) => [suite, runSuite(suite)]);
  const page = [HEAD(), ...reports.flatMap(([suite, report]) => describeSuite(suite, report))].join('\n');
  if (!check) writeFileSync(join(root, 'docs/conformance.md'), page);
  const bad = reports.flatMap(([suite, report]) => [...failures(report), ...unexplained(suite, report)]);
  for (const line of bad) console.error(line);
  for (const [suite, { content, strict, ran }] of reports)
    console.log(`${suite}: content ${content}/${ran}, strict ${strict}/${ran}`);
  process.exitCode = bad.length === 0 ? 0 : 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}

function commandExists(name) {
  return spawnSync(command, [name, '--help'], { encoding: 'utf8' }).status === 0;
}

function runSuite(suite) {
  const file = join(work, `${suite}.json`);
  const args = [join(cases, 'run.mjs'), '--cmd', command, '--suite', suite, '--json', file];
  const { stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  if (!existsSync(file)) throw new Error(`${suite} did not run: ${stderr}`);
  return JSON.parse(readFileSync(file, 'utf8'))[suite];
}

function failures({ cases: all }) {
  return Object.entries(all).flatMap(([name, { content, skip, deviation, why }]) => {
    return content || skip || deviation ? [] : [`${name} fails: ${why.join('; ')}`];
  });
}

function loose({ cases: all }) {
  return Object.entries(all).filter(
    ([, { content, strict, skip, deviation }]) => content && !strict && !skip && !deviation,
  );
}

function unexplained(suite, report) {
  return loose(report).flatMap(([name]) =>
    reasonsFor(suite, name).length === 0 ? [`${name} differs for no known reason`] : [],
  );
}

function HEAD() {
  return `# Conformance with the reference

Recorded cases of kpt (a package before and after) are run as whole processes. *Content* compares Kptfiles as data
without \`status\` and other files as text without blank lines, wants the same exit code, no lost comment of a Kptfile and
a second run that changes nothing. *Strict* compares every byte. This page is written by \`node scripts/conformance.mjs\`.
`;
}

function describeSuite(suite, report) {
  const { content, strict, ran } = report;
  const rows = loose(report).map(
    ([name]) => `| \`${name}\` | ${reasonsFor(suite, name).join('; ') || 'unexplained'} |`,
  );
  const others = (kind) => Object.entries(report.cases).filter(([, result]) => result[kind]);
  let last = '';
  const deviations = others('deviation').map(([name, { deviation }]) => {
    last = deviation === 'as above' ? last : deviation;
    return `| \`${name}\` | ${last} |`;
  });
  const skipped = others('skip').map(([name, { skip }]) => `| \`${name}\` | ${skip} |`);
  return [
    `## ${suite}`,
    '',
    `Content: ${content} of ${ran}. Strict: ${strict} of ${ran}.`,
    '',
    ...table('Same content, other bytes', rows),
    ...table('The recorded behaviour is a fault that is not copied', deviations),
    ...table('Not run', skipped),
  ];
}

function table(title, rows) {
  return rows.length === 0 ? [] : [`### ${title}`, '', '| case | why |', '|---|---|', ...rows, ''];
}

/** Why the bytes of a case differ: found by looking at the difference, not listed by hand. */
function reasonsFor(suite, name) {
  if (suite !== 'fn-render') return ['comments, order and form of the local files are kept'];
  const folder = join(cases, suite, name);
  const expectation = JSON.parse(readFileSync(join(folder, 'expect.json'), 'utf8'));
  const pkg = join(mkdtempSync(join(work, 'case-')), basename(name));
  cpSync(join(folder, 'in'), pkg, { recursive: true, verbatimSymlinks: true });
  const flags = [
    ...(expectation.allowExec ? ['--allow-exec'] : []),
    ...(expectation.allowNetwork ? ['--allow-network'] : []),
  ];
  // The suite compares after a second run where the first is to succeed.
  for (let run = expectation.exitCode ? 1 : 0; run < 2; run += 1) spawnSync(command, ['render', pkg, ...flags]);
  const reasons = new Set();
  for (const file of new Set([...files(join(folder, 'out')), ...files(pkg)])) {
    const [expected, actual] = [join(folder, 'out', file), join(pkg, file)].map((path) =>
      existsSync(path) ? readFileSync(path, 'utf8') : '',
    );
    if (expected !== actual) for (const reason of differences(file, expected, actual)) reasons.add(reason);
  }
  return [...reasons];
}

function files(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

function differences(file, expected, actual) {
  const [want, have] = [expected, actual].map(split);
  const found = [];
  if (want.body !== have.body && sameData(want.body, have.body)) {
    found.push(
      `${basename(file) === 'Kptfile' ? 'the Kptfile' : `\`${file}\``} keeps its author's order, quotes, comments and blank lines`,
    );
  }
  if (want.status !== have.status) found.push(...statusDifferences(want.status, have.status));
  return found;
}

/** A Kptfile's status is its last block. */
function split(text) {
  const at = text.search(/^status:/m);
  return at < 0 ? { body: text, status: '' } : { body: text.slice(0, at), status: text.slice(at) };
}

function sameData(a, b) {
  return canonical(parseAll(a)) === canonical(parseAll(b));
}

function parseAll(text) {
  return text
    .split(/^---$/m)
    .map((part) => parse(part) ?? null)
    .filter((value) => value !== null);
}

function canonical(value) {
  return JSON.stringify(value, (_key, item) => {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return item;
    return Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

function statusDifferences(expected, actual) {
  const [want, have] = [expected, actual].map((text) => parse(text)?.status ?? {});
  if (canonical(want) === canonical(have)) return ["the status has the indentation of the author's lists"];
  const found = [];
  const message = (status) => status.conditions?.find(({ type }) => type === 'Rendered')?.message;
  if (message(want) !== undefined && message(want) !== message(have)) {
    found.push('the condition names package, function, file and field at fault, and the reason');
  }
  const steps = (status) => [
    ...(status.renderStatus?.mutationSteps ?? []),
    ...(status.renderStatus?.validationSteps ?? []),
  ];
  const told = (status) =>
    canonical(steps(status).map(({ results, errorResults, stderr }) => [results, errorResults, stderr]));
  if (told(want) !== told(have)) found.push('a function tells more, or in other words');
  const ended = (status) => canonical(steps(status).map(({ exitCode, executionError }) => [exitCode, executionError]));
  if (ended(want) !== ended(have))
    found.push('what keeps a function from starting is told as such, not as its exit code');
  if (Object.keys(want).length === 0) found.push('the status says why nothing ran');
  return found;
}

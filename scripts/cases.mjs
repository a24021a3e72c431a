// Prints which test asserts which case of the specifications.
//
//   node scripts/cases.mjs [GROUP...]      groups: R, F, S, X, ... of the fault cases, H (1-89: render) of the acceptance
//                                          cases, 7 of the task handler (7.1.14), 16 of the variants (16.5.67);
//                                          default: all that there are
//
// A test belongs to a case when its title, or the title of its table row, begins with the case's number or ends in it:
// `R-03, H 61: ...`, `7.1.14, 16.5.67: ...`, `... (7.7.109, P-07)`. Exit status 1 when a case has no test and no reason in test/cases.json. The lists of cases are
// read from the specifications where these are (VERANDA_SHARED, default ../shared); without them only what the tests
// name is printed.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const root = join(import.meta.dirname, '..');
const shared = process.env.VERANDA_SHARED ?? join(root, '../shared');
const GROUPS = ['R', 'F', 'M', 'P', 'G', 'O', 'C', 'V', 'T', 'X', 'K', 'A', 'S', 'H', '7', '16'];
const groups = process.argv.length > 2 ? process.argv.slice(2) : GROUPS;
/** Sections of numbered acceptance cases, by group. */
const ACCEPTANCE = { 7: 'task-handler.md', 16: 'package-variant.md' };
/** The acceptance cases of the render pipeline; those after are of merging, runtimes in a cluster and functions. */
const LAST_RENDER_CASE = 89;

const cases = specifiedCases();
const bySuffix = new Map([...cases].filter((id) => id.includes('.')).map((id) => [id.replace(/\.\d+\./, '.'), id]));
const tests = testsByCase();
const reasons = JSON.parse(readFileSync(join(root, 'test/cases.json'), 'utf8'));

let missing = 0;
const listed =
  cases.size > 0 ? [...cases] : [...tests.keys()].filter((id) => groups.includes(id.match(/^([A-Z]+|\d+)/)[0]));
for (const id of listed) {
  const found = tests.get(id);
  if (found !== undefined) console.log(`${id}\t${found.join('\n\t')}`);
  else if (reasons[id] !== undefined) console.log(`${id}\t- ${reasons[id]}`);
  else {
    missing += 1;
    console.log(`${id}\tMISSING`);
  }
}
if (cases.size === 0) console.error('no specifications here: only cases that tests name are listed');
console.error(`${listed.length} cases, ${missing} without a test`);
process.exitCode = missing === 0 ? 0 : 1;

function specifiedCases() {
  const found = new Set();
  const faults = join(shared, 'spec/field-cases.md');
  const acceptance = join(shared, 'spec/render-and-merge.md');
  if (!existsSync(faults) || !existsSync(acceptance)) return found;
  for (const [, group, number] of readFileSync(faults, 'utf8').matchAll(/^\*\*([A-Z])-(\d+) /gm)) {
    if (groups.includes(group)) found.add(`${group}-${number}`);
  }
  for (const [group, file] of Object.entries(ACCEPTANCE)) {
    if (groups.includes(group)) for (const id of numberedCases(group, join(shared, 'spec', file))) found.add(id);
  }
  if (!groups.includes('H')) return found;
  const section =
    readFileSync(acceptance, 'utf8')
      .split(/^## /m)
      .find((text) => text.startsWith('H. ')) ?? '';
  for (const [, number] of section.matchAll(/^(\d+)\. [=+]/gm)) {
    if (Number(number) <= LAST_RENDER_CASE) found.add(`H ${number}`);
  }
  return found;
}

/** `### 7.1 Init` followed by `14. ...` is 7.1.14. */
function numberedCases(group, file) {
  const ids = [];
  let section;
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const heading = /^#+ (\d+(?:\.\d+)?)?/.exec(line);
    if (heading) section = heading[1]?.startsWith(`${group}.`) ? heading[1] : undefined;
    const number = section && /^(\d+)\. /.exec(line)?.[1];
    if (number) ids.push(`${section}.${number}`);
  }
  return ids;
}

function testsByCase() {
  const found = new Map();
  const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((name) => name.endsWith('.ts')).sort()) {
    const path = join(root, 'test', file);
    for (const [index, line] of readFileSync(path, 'utf8').split('\n').entries()) {
      for (const [, , title] of line.matchAll(/(['"`])((?:\\.|(?!\1).)*)\1/g)) {
        for (const id of leadingCases(title)) {
          const place = `${relative(root, path)}:${index + 1} ${title}`;
          found.set(id, [...(found.get(id) ?? []), place]);
        }
      }
    }
  }
  return found;
}

/**
 * `R-03, H 61, 62: ...` -> R-03, H 61, H 62; `7.1.14: ...` -> 7.1.14; `16.99: ...` -> 16.8.99 (the numbers of a group go on
 * through its sections).
 */
function leadingCases(title) {
  const number = String.raw`(?:[A-Z][ -]\d+|(?:7|16)\.\d+(?:\.\d+)?|\d+)`;
  const numbers = `(${number}(?:(?:, | and )${number})*)`;
  const head = new RegExp(`^${numbers}(?::? |$)`).exec(title)?.[1] ?? new RegExp(`\\(${numbers}\\)$`).exec(title)?.[1];
  if (head === undefined) return [];
  let group = '';
  const ids = head.split(/, | and /).map((part) => {
    if (/^\d+\.\d+\.\d+$/.test(part)) return part;
    if (part.includes('.')) group = part.slice(0, part.indexOf('.') + 1);
    const bare = /^(?:\d+\.)?(\d+)$/.exec(part)?.[1];
    if (bare && group.endsWith('.')) return bySuffix.get(`${group}${bare}`) ?? part;
    const [, letter, digits] = /^([A-Z][ -])?(\d+)$/.exec(part);
    group = letter ?? group;
    return `${group}${digits}`;
  });
  // Bare numbers in front are of lists that are not read here.
  return ids.filter((id) => !/^\d+$/.test(id));
}

// Prints which test asserts which case of the specifications.
//
//   node scripts/cases.mjs [GROUP...]      groups: R, F, S, X, ... of the fault cases, H (1-89: render) of the acceptance
//                                          cases; default: R F S H
//
// A test belongs to a case when its title, or the title of its table row, begins with the case's number:
// `R-03, H 61: ...`. Exit status 1 when a case has no test and no reason in test/cases.json. The lists of cases are
// read from the specifications where these are (VERANDA_SHARED, default ../shared); without them only what the tests
// name is printed.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const root = join(import.meta.dirname, '..');
const shared = process.env.VERANDA_SHARED ?? join(root, '../shared');
const groups = process.argv.length > 2 ? process.argv.slice(2) : ['R', 'F', 'S', 'H'];
/** The acceptance cases of the render pipeline; those after are of merging, runtimes in a cluster and functions. */
const LAST_RENDER_CASE = 89;

const cases = specifiedCases();
const tests = testsByCase();
const reasons = JSON.parse(readFileSync(join(root, 'test/cases.json'), 'utf8'));

let missing = 0;
const listed = cases.size > 0 ? [...cases] : [...tests.keys()].filter((id) => groups.includes(id.match(/^[A-Z]+/)[0]));
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

function testsByCase() {
  const found = new Map();
  const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((name) => name.endsWith('.test.ts')).sort()) {
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

/** `R-03, H 61, 62: ...` -> R-03, H 61, H 62 */
function leadingCases(title) {
  const head = /^((?:[A-Z][ -]\d+|\d+)(?:, (?:[A-Z][ -]\d+|\d+))*):? /.exec(title)?.[1];
  if (head === undefined || !/^[A-Z]/.test(head)) return [];
  let group = '';
  return head.split(', ').map((part) => {
    const [, letter, number] = /^([A-Z][ -])?(\d+)$/.exec(part);
    group = letter ?? group;
    return `${group}${number}`;
  });
}

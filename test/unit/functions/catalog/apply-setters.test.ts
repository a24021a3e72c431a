import { describe, expect, test } from '@jest/globals';
import { applySetters } from '../../../../src/functions/catalog/apply-setters/function.ts';
import { getIn, type KrmMap } from '../../../../src/krm/value.ts';
import { itemsOf, messages, run, values } from './support.ts';

const HEAD = 'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n';

function set(body: string, setters: KrmMap) {
  return run(applySetters, itemsOf(HEAD + body), setters);
}

describe('apply-setters', () => {
  test.each([
    ['S-09: an integer stays one', 'spec:\n  v: 1 # kpt-set: ${x}\n', '3', 3],
    ['S-09: a text stays text', 'spec:\n  v: "1" # kpt-set: ${x}\n', '3', '3'],
    ['a boolean stays one', 'spec:\n  v: true # kpt-set: ${x}\n', 'false', false],
    ['a number takes a text that is none', 'spec:\n  v: 1 # kpt-set: ${x}\n', 'many', 'many'],
    ['S-03: the empty text', 'spec:\n  v: a # kpt-set: ${x}\n', '', ''],
    ['H 161: a pattern', 'spec:\n  v: nginx:1.0 # kpt-set: nginx:${x}\n', '2.0', 'nginx:2.0'],
    ['a text that looks like a reference', 'spec:\n  v: a # kpt-set: ${x}\n', '${y}', '${y}'],
    ['H 162: a list', 'spec:\n  v: # kpt-set: ${x}\n  - a\n', '[b, c]', ['b', 'c']],
    ['a flow list', 'spec:\n  v: [a] # kpt-set: ${x}\n', '- b', ['b']],
    ['H 162: the empty list', 'spec:\n  v: [a] # kpt-set: ${x}\n', '', []],
  ])('%s', (_, body, x, expected) => {
    const output = set(body, { x });
    expect(output.exitCode).toBe(0);
    expect(getIn(values(output)[0], ['spec', 'v'])).toEqual(expected);
    expect(output.results).toEqual([
      {
        message: `set field value to ${JSON.stringify(typeof expected === 'object' ? x : String(expected))}`,
        field: { path: 'spec.v' },
        file: { path: 'a.yaml' },
      },
    ]);
  });

  test('S-09: an annotation is a text whatever it looks like', () => {
    const items = itemsOf(
      'apiVersion: v1\nkind: A\nmetadata:\n  name: a\n  annotations:\n    count: 1 # kpt-set: ${x}\n',
    );
    expect(getIn(values(run(applySetters, items, { x: '3' }))[0], ['metadata', 'annotations', 'count'])).toBe('3');
  });

  test('H 161: setters without a value are taken from the current text', () => {
    const output = set('spec:\n  v: x-y-z # kpt-set: ${a}-${b}\n', { a: 'q' });
    expect(getIn(values(output)[0], ['spec', 'v'])).toBe('q-z');
  });

  test('H 161: or named when that cannot be', () => {
    const output = set('spec:\n  v: other # kpt-set: ${a}-${b}\n', { a: 'q' });
    expect(output.exitCode).toBe(1);
    expect(messages(output)).toEqual([
      'failed to apply setters: a.yaml: spec.v: values for setters [${b}] must be provided',
    ]);
  });

  test.each([
    [
      'H 162: a list gets a text',
      'spec:\n  v: [a] # kpt-set: ${x}\n',
      'input to array setter must be an array of values, but found "b"',
    ],
    ['a list has a pattern', 'spec:\n  v: [a] # kpt-set: ${x}-y\n', 'invalid setter pattern for array node'],
  ])('fails when %s', (_, body, message) => {
    const output = set(body, { x: 'b' });
    expect(output.exitCode).toBe(1);
    expect(messages(output)[0]).toContain(message);
  });

  test('a pattern that would take other engines for ever', () => {
    const setters = Array.from({ length: 12 }, (_, at) => `\${s${at}}`).join('');
    const output = set(`spec:\n  v: ${'a'.repeat(3000)} # kpt-set: ${setters}b\n`, { s0: 'q' });
    expect(output.exitCode).toBe(1);
    expect(set(`spec:\n  v: a # kpt-set: ${'${'.repeat(50_000)}\n`, { s0: 'q' }).exitCode).toBe(0);
  });

  test('fields of other setters, and other comments, are left alone', () => {
    const items = itemsOf(`${HEAD}spec:\n  a: 1 # kpt-set: \${other}\n  b: 1 # set: \${x}\n`);
    const output = run(applySetters, items, { x: '2' });
    expect(output.items[0]).toBe(items[0]);
    expect(messages(output)).toEqual(['no matches for input setter(s)']);
  });
});

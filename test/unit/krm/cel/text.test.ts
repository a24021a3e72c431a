import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Meter } from '../../../../src/krm/cel/meter.ts';
import { compileText, MAX_TEXT_LENGTH, MAX_TEXT_RESULT } from '../../../../src/krm/cel/text.ts';
import { celMap } from '../../../../src/krm/cel/values.ts';

const target = celMap({ name: 'edge-1', labels: { zone: 'a' }, spec: { asn: 4200000001, big: 9007199254740993n } });
const bindings = { repoDefault: 'r1', packageDefault: 'p1', target };

const evaluate = (source: string): string => compileText(source, Object.keys(bindings)).evaluate(bindings);

describe('an expression that gives a string', () => {
  test.each([
    ["'literal'", 'literal'],
    ['repoDefault', 'r1'],
    ["repoDefault + '/' + packageDefault", 'r1/p1'],
    ['target.labels.zone', 'a'],
    ["target.labels['zone']", 'a'],
    ["'rack' in target.labels ? target.labels.rack : 'none'", 'none'],
    ["has(target.labels.rack) ? target.labels.rack : 'none'", 'none'],
    ['string(target.spec.asn)', '4200000001'],
    ['string(target.spec.asn + 1)', '4200000002'],
    ['string(target.spec.big + 2)', '9007199254740995'],
    ["target.name.split('-')[1]", '1'],
    ["target.name.replace('-', '.')", 'edge.1'],
    ["'aXbXc'.replace('X', '-', 1)", 'a-bXc'],
    ["'ab'.replace('', '.')", '.a.b.'],
    ["'a.b'.replace('.', '$&')", 'a$&b'],
    ['target.name.upperAscii()', 'EDGE-1'],
    ["['a', 'b'].join(',')", 'a,b'],
    ["['a', 'b'].join()", 'ab'],
    ["['x', 'y'].map(v, v + '!').join()", 'x!y!'],
    ["'%s-%d'.format([repoDefault, 7])", 'r1-7'],
    ["target.name.matches('^edge-[0-9]+$') ? 'edge' : 'core'", 'edge'],
    ["type(target.name) == string ? 'text' : 'other'", 'text'],
  ])('%s is %s', (source, expected) => {
    expect(evaluate(source)).toBe(expected);
  });

  test.each([
    ['1 + 1', 'gives a number'],
    ['true', 'gives a bool'],
    ["repoDefault == 'r1'", 'gives a bool'],
    ['[repoDefault]', 'gives a list'],
    ["{'a': 'b'}", 'gives a map'],
    ['target.labels.map(k, k)', 'gives a list'],
    ['null', 'gives a null'],
    ['true ? 1 : 2', 'gives a number'],
    ['repository.name', 'there is no variable repository'],
    ["['a'].exists(v, w == v) ? 'a' : 'b'", 'there is no variable w'],
    ['repoDefault.reverze()', 'there is no function reverze'],
    ['target.', 'end of input'],
    [`'${'a'.repeat(MAX_TEXT_LENGTH)}'`, 'are the limit'],
  ])('%.50s is refused when it is compiled', (source, words) => {
    expect(() => compileText(source, Object.keys(bindings))).toThrow(words);
  });

  test.each([
    ['target.labels.rack', 'rack'],
    ['target.spec.asn', 'gives a number, not a string'],
    ['target.labels', 'gives a list or map, not a string'],
    ['target.name.charAt(99)', 'out of'],
  ])('%s fails when it is evaluated', (source, words) => {
    expect(() => evaluate(source)).toThrow(words);
  });

  const doublings = Array.from({ length: 25 }, () => '.map(x, x + x)').join('');
  const nested = (depth: number): string =>
    depth === 0 ? 'true' : `[0,1,2,3,4,5,6,7,8,9].all(v${depth}, ${nested(depth - 1)})`;
  test.each([
    ['rounds within rounds', `${nested(8)} ? 'a' : 'b'`],
    ['a text that doubles', `['0123456789']${doublings}[0]`],
    [
      'a text in which every letter becomes long',
      `['0123456789']${doublings.slice(0, 14 * 12)}.map(x, x.replace('', x))[0]`,
    ],
    ['a long separator', `['0123456789']${doublings.slice(0, 14 * 14)}.map(x, x.split('').join(x))[0]`],
    [
      'a format that repeats',
      `['0123456789']${doublings.slice(0, 14 * 15)}.map(x, '%s%s%s%s'.format([x, x, x, x]).replace('0', x))[0]`,
    ],
    ['a pattern over a long text', `['(x+x+)+y']${doublings.slice(0, 14 * 12)}.all(x, x.matches(x)) ? 'a' : 'b'`],
    [
      'long texts in many rounds',
      `['0123456789']${doublings.slice(0, 14 * 13)}.map(x, x.split('').map(c, x.lowerAscii())).size() > 0 ? 'a' : 'b'`,
    ],
  ])('V-16: %s is stopped', (_case, source) => {
    expect(() => evaluate(source)).toThrow('costs more than 100000 steps');
  });

  test('V-16: a result that is too long is refused', () => {
    const long = `['0123456789']${doublings.slice(0, 14 * 13)}[0]`;
    expect(() => evaluate(long)).toThrow(`it gives ${10 * 2 ** 13} characters; ${MAX_TEXT_RESULT} are the limit`);
  });

  test('several evaluations may not cost more together than their meter has', () => {
    const meter = new Meter(50);
    const expression = compileText("['a', 'b', 'c'].map(v, v + '-').join()", []);
    let done = 0;
    expect(() => {
      for (;;) {
        expression.evaluate({}, meter);
        done++;
      }
    }).toThrow('costs more than');
    expect(done).toBeGreaterThan(5);
    expect(meter.left).toBe(0);
  });

  test('an expression tells which variables it uses, those of its macros left out', () => {
    const { variables } = compileText(
      '[repoDefault].map(target, target + packageDefault).join()',
      Object.keys(bindings),
    );
    expect([...variables]).toEqual(['repoDefault', 'packageDefault']);
  });

  test('replace does what a global replacement does', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '-'), maxLength: 12 });
    fc.assert(
      fc.property(text, text, text, (whole, old, next) => {
        const expression = compileText('a.replace(b, c)', ['a', 'b', 'c']);
        expect(expression.evaluate({ a: whole, b: old, c: next })).toBe(whole.replaceAll(old, () => next));
      }),
      { numRuns: 200 },
    );
  });
});

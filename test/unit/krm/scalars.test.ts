import { describe, expect, test } from '@jest/globals';
import { editSource, parseKrmFile, stringifyKrm } from '../../../src/krm/file.ts';
import { nodeValue, readNodes } from '../../../src/krm/node-reader.ts';
import type { KrmValue } from '../../../src/krm/value.ts';

function read(text: string): KrmValue {
  const file = parseKrmFile('a.yaml', Buffer.from(text));
  expect(file.problems).toEqual([]);
  return file.documents[0]?.value ?? null;
}

describe('plain scalars are read by both readers as Go reads them', () => {
  test.each<[string, KrmValue]>([
    ['yes', 'yes'],
    ['on', 'on'],
    ['y', 'y'],
    ['No', 'No'],
    ['off', 'off'],
    ['true', true],
    ['TRUE', true],
    ['False', false],
    ['~', null],
    ['Null', null],
    ['', null],
    ['nUll', 'nUll'],
    ['0644', 420],
    ['010', 8],
    ['08', 8],
    ['0o10', 8],
    ['-0o7', -7],
    ['0b11', 3],
    ['-0b11', -3],
    ['1_000', 1000],
    ['+0x1', 1],
    ['0x_1F', 31],
    ['-0', 0],
    ['1e3', 1000],
    ['1.50', 1.5],
    ['.5', 0.5],
    ['1.', 1],
    ['+.5', 0.5],
    ['._5', '._5'],
    ['1e400', '1e400'],
    ['.inf', Number.POSITIVE_INFINITY],
    ['-.INF', Number.NEGATIVE_INFINITY],
    ['.NaN', Number.NaN],
    ['9007199254740991', 9007199254740991],
    ['9007199254740993', 9007199254740993n],
    ['12345678901234567890', 12345678901234567890n],
    ['-123456789012345678901', -123456789012345678901n],
    ['0xFFFFFFFFFFFFFFFFF', '0xFFFFFFFFFFFFFFFFF'],
    ['1:30', '1:30'],
    ['2026-01-01', '2026-01-01'],
    ['2026-01-01T10:00:00Z', '2026-01-01T10:00:00Z'],
    ['1.2.3', '1.2.3'],
    ['0x', '0x'],
    ['!!str 123', '123'],
    ['!!int "7"', 7],
    ['!!float 1', 1],
    ['!thing x', 'x'],
    ['!!binary aGk=', 'aGk='],
    ["'1'", '1'],
  ])('%s', (text, value) => {
    expect(read(`a: ${text}\n`)).toEqual({ a: value });
    expect(nodeValue(readNodes(`a: ${text}\n`))).toEqual({ a: value });
  });

  test('keys are what JSON makes of them', () => {
    expect(read('1: a\ntrue: b\n~: c\n0x10: d\nyes: e\n1.50: f\n')).toEqual({
      '1': 'a',
      true: 'b',
      null: 'c',
      '16': 'd',
      yes: 'e',
      '1.5': 'f',
    });
  });

  test('a key named __proto__ is data', () => {
    const value = read('__proto__: {a: 1}\n') as { [key: string]: KrmValue };
    expect(Object.keys(value)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(stringifyKrm(value)).toBe('__proto__:\n  a: 1\n');
  });
});

describe('new strings are quoted so that every reader agrees', () => {
  test.each([
    ['plain text', 'plain text'],
    ['yes', '"yes"'],
    ['Off', '"Off"'],
    ['n', '"n"'],
    ['0644', '"0644"'],
    ['1_000', '"1_000"'],
    ['1e400', '"1e400"'],
    ['1:30', '"1:30"'],
    ['2026-01-01', '"2026-01-01"'],
    ['null', '"null"'],
    ['~', '"~"'],
    ['', '""'],
    ['<<', '"<<"'],
    ['key: v', "'key: v'"],
    [' x', "' x'"],
    ['x ', "'x '"],
    ['#z', "'#z'"],
    ['a #b', "'a #b'"],
    ['- q', "'- q'"],
    ['[a', "'[a'"],
    ['@x', "'@x'"],
    ['a:', "'a:'"],
    ["it's: x", "'it''s: x'"],
    ['-x', '-x'],
    ['a:b', 'a:b'],
    ['a,b', 'a,b'],
    ['{{ x }}', "'{{ x }}'"],
    ['---', "'---'"],
    ['tab\there', '"tab\\there"'],
    ['a\u2028b', '"a\\u2028b"'],
    ['a\u0085b', '"a\\u0085b"'],
    ['a\u007fb', '"a\\u007fb"'],
    ['\u0000', '"\\u0000"'],
    ['é 😀', 'é 😀'],
  ])('%j is written as %s', (value, text) => {
    expect(stringifyKrm({ a: value })).toBe(`a: ${text}\n`);
    expect(editSource('a: old # c\n', { a: value })).toBe(`a: ${text} # c\n`);
  });

  test('what flow collections would take apart is quoted there', () => {
    expect(editSource('a: [x]\n', { a: ['b, c'] })).toBe("a: ['b, c']\n");
    expect(editSource('a: {k: x}\n', { a: { k: '-y' } })).toBe("a: {k: '-y'}\n");
  });

  test('several lines become a literal block', () => {
    expect(stringifyKrm({ a: 'x\ny', b: 'x\ny\n', c: 'x\n\n', d: ' x\ny' })).toBe(
      'a: |-\n  x\n  y\nb: |\n  x\n  y\nc: |+\n  x\n\nd: " x\\ny"\n',
    );
  });

  test('half a surrogate pair is refused, not replaced', () => {
    expect(() => stringifyKrm({ a: '\ud800' })).toThrow(expect.objectContaining({ reason: 'InvalidYaml' }));
  });
});

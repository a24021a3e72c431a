import { describe, expect, test } from '@jest/globals';
import { lineCommentsOf } from '../../../src/functions/item-comments.ts';
import type { FunctionItem } from '../../../src/functions/types.ts';
import { parseKrmFile } from '../../../src/krm/file.ts';
import type { KrmMap } from '../../../src/krm/value.ts';

const TEXT = 'kind: A\nlist:\n- a # kpt-set: ${x}\n- b # other\nn: 1 # kpt-set: ${n}\n';

/** An item whose text is made only when the test allows it. */
function item(changes: KrmMap, text?: () => string): FunctionItem {
  const value = parseKrmFile('a.yaml', new TextEncoder().encode(TEXT)).documents[0]?.value as KrmMap;
  const refuse = () => {
    throw new Error('the text was made');
  };
  return { value: { ...value, ...changes }, base: { text: TEXT }, text: text ?? refuse };
}

function found(given: FunctionItem, part = 'kpt-set:') {
  return lineCommentsOf(given, part).map(({ path, text }) => [path.join('.'), text]);
}

describe('line comments of an item', () => {
  test('its text is not made when no comment is asked for, or their values are the same', () => {
    expect(found(item({ n: 2 }), 'none')).toEqual([]);
    expect(found(item({ more: 1 }))).toEqual([
      ['list.0', 'kpt-set: ${x}'],
      ['n', 'kpt-set: ${n}'],
    ]);
  });

  test('its text is made when a value with such a comment has changed or moved', () => {
    const text = () => 'kind: A\nlist:\n- new\n- a # kpt-set: ${x}\nn: 1\n';
    expect(found(item({ list: ['new', 'a'] }, text))).toEqual([['list.1', 'kpt-set: ${x}']]);
  });

  test('an item without a text at hand is asked for its text', () => {
    expect(lineCommentsOf({ value: {}, text: () => 'a: 1 # kpt-set: ${x}\n' }, 'kpt-set:')).toHaveLength(1);
    expect(lineCommentsOf({ value: {} }, 'kpt-set:')).toEqual([]);
  });
});

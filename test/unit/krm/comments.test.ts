import { describe, expect, test } from '@jest/globals';
import { lineComments, setLineComments } from '../../../src/krm/comments.ts';

const SOURCE = `# head
a: 1 # kpt-set: one
b: # kpt-set: list
# above
- c # c
- d: e#f # e
- [x, z] # flow
- [ x, # inner
    z ]
t: |- # header
  # text
"k #": 'v # w' # quoted
n: # none
m:
- # dash
  z: 1
`;

describe('line comments', () => {
  test('are found with path, value and place', () => {
    expect(lineComments(SOURCE).map(({ path, text, onKey }) => [path.join('.'), text, onKey])).toEqual([
      ['a', 'kpt-set: one', false],
      ['b', 'kpt-set: list', true],
      ['b.0', 'c', false],
      ['b.1.d', 'e', false],
      ['b.2', 'flow', false],
      ['b.3.0', 'inner', false],
      ['t', 'header', false],
      ['k #', 'quoted', false],
      ['n', 'none', false],
      ['m.0', 'dash', true],
    ]);
    expect(lineComments(SOURCE)[4]?.value).toEqual(['x', 'z']);
  });

  test('are the same with CRLF', () => {
    expect(lineComments(SOURCE.replaceAll('\n', '\r\n')).map(({ text }) => text)).toEqual(
      lineComments(SOURCE).map(({ text }) => text),
    );
  });

  test('are set, changed and removed, and nothing else', () => {
    const text = setLineComments(SOURCE, [
      { path: ['a'], text: 'two' },
      { path: ['b'], text: null },
      { path: ['b', 0], text: 'c' },
      { path: ['b', 2], text: 'kpt-set: x' },
      { path: ['t'], text: null },
      { path: ['m'], text: 'new\nline' },
      { path: ['m', 0, 'z'], text: 'last' },
    ]);
    expect(text).toBe(
      SOURCE.replace('kpt-set: one', 'two')
        .replace('b: # kpt-set: list', 'b:')
        .replace('# flow', '# kpt-set: x')
        .replace('|- # header', '|-')
        .replace('m:\n', 'm: # new line\n')
        .replace('z: 1\n', 'z: 1 # last\n'),
    );
  });

  test('are not put where they would swallow text or where nothing is', () => {
    const nowhere = [{ path: ['b', 2, 0] }, { path: ['b', 1] }, { path: ['gone'] }, { path: ['a', 'b'] }];
    expect(
      setLineComments(
        SOURCE,
        nowhere.map(({ path }) => ({ path, text: 'x' })),
      ),
    ).toBe(SOURCE);
  });

  test('of a text that cannot be read are an error', () => {
    expect(() => lineComments('a: [ # c')).toThrow(expect.objectContaining({ reason: 'InvalidYaml' }));
  });
});

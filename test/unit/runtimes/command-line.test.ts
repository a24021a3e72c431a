import { describe, expect, test } from '@jest/globals';
import { splitCommandLine } from '../../../src/runtimes/command-line.ts';

describe('a command line', () => {
  test.each([
    ["sed -e 's/a/b c/'", ['sed', '-e', 's/a/b c/']],
    ['  ./run\t--x  "" ', ['./run', '--x', '']],
    ['a "b \\" c" \'d "e\'', ['a', 'b " c', 'd "e']],
    ['a b\\ c "d\\e" \'f\\g\'', ['a', 'b c', 'd\\e', 'f\\g']],
    ['echo $HOME; rm -rf /', ['echo', '$HOME;', 'rm', '-rf', '/']],
    ['pre"mid"post', ['premidpost']],
  ])('H 67: %s keeps what is quoted as one word and expands nothing', (text, words) => {
    expect(splitCommandLine(text)).toEqual(words);
  });

  test.each(['', '  ', "a 'b", 'a "b', 'a\\'])('H 67: %j is refused', (text) => {
    expect(() => splitCommandLine(text)).toThrow(expect.objectContaining({ reason: 'InvalidCommand' }));
  });
});

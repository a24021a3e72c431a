import { TerminalError } from '../api/errors.ts';

/**
 * Splits a command line as a shell does, without running one: words are separated by blanks; single quotes keep
 * everything, double quotes everything but a backslash in front of `"` or `\`, and a backslash the next character.
 * Nothing is expanded.
 * @throws TerminalError InvalidCommand for an open quote and an empty line
 */
export function splitCommandLine(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] as string;
    if (quote === "'" ? character === "'" : quote === '"' && character === '"') quote = '';
    else if (character === '\\' && quote !== "'") {
      const next = text[at + 1];
      if (next === undefined) throw invalid(text, 'it ends with a backslash');
      const escapes = quote === '' || next === '"' || next === '\\';
      word = (word ?? '') + (escapes ? next : `\\${next}`);
      at += 1;
    } else if (quote === '' && (character === '"' || character === "'")) {
      quote = character;
      word ??= '';
    } else if (quote === '' && /\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + character;
  }
  if (quote !== '') throw invalid(text, `a ${quote} is not closed`);
  if (word !== undefined) words.push(word);
  if (words.length === 0) throw invalid(text, 'it is empty');
  return words;
}

function invalid(text: string, why: string): TerminalError {
  return new TerminalError('InvalidCommand', `the command line ${JSON.stringify(text)} cannot be read: ${why}`);
}

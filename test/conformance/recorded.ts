import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';

const shared = process.env.VERANDA_SHARED ?? path.join(import.meta.dirname, '../../../shared');
const folder = process.env.VERANDA_CONFORMANCE ?? path.join(shared, 'conformance');

/** A file or folder of recorded cases; undefined, with one loud line, when it is not there. */
export function recorded(name: string): string | undefined {
  const place = path.join(folder, name);
  if (existsSync(place)) return place;
  console.error(`PASSED OVER: no recorded cases at ${place}; set VERANDA_CONFORMANCE`);
  test(`recorded cases of ${name} are passed over`, () => expect(existsSync(place)).toBe(false));
  return undefined;
}

export function readCases<T>(file: string): readonly T[] {
  return JSON.parse(readFileSync(file, 'utf8')) as readonly T[];
}

/** Text without blank lines and without the spaces that some recordings have in front of comments. */
export function squeezed(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replaceAll(/\n\s*\n/g, '\n')
    .replaceAll(/[ \t]+#/g, ' #')
    .trim();
}

import { describe, expect, test } from '@jest/globals';
import { lineComments } from '../../src/krm/comments.ts';
import { parseKrmFile } from '../../src/krm/file.ts';
import type { KrmValue } from '../../src/krm/value.ts';
import { mergeDocument } from '../../src/merge/document-merge.ts';
import { rewriteFile } from '../../src/merge/document-text.ts';
import { builtinListKeys } from '../../src/merge/list-keys.ts';
import { readCases, recorded, squeezed } from './recorded.ts';

interface Case {
  readonly group: string;
  readonly description: string;
  readonly infer: boolean;
  readonly origin: string;
  readonly local: string;
  readonly update: string;
  readonly expected: string;
}

function merge({ origin, local, update }: Case): string {
  const [o, l, u] = [origin, local, update].map((text) => parseKrmFile('a.yaml', new TextEncoder().encode(text)));
  const [base, mine, theirs] = [o?.documents[0], l?.documents[0], u?.documents[0]];
  if (!l || !mine || !theirs) throw new Error('a recorded case has an empty document');
  const options = { prefer: 'upstream', keys: builtinListKeys } as const;
  const { change } = mergeDocument(base, mine, theirs, options, 'a.yaml');
  return new TextDecoder().decode(rewriteFile(l, change ? new Map([[0, change]]) : new Map(), []));
}

/** What a document says, whatever the order of its keys: items that are new have upstream's order of keys. */
function content(text: string): { readonly value: KrmValue | undefined; readonly comments: readonly string[] } {
  const document = parseKrmFile('a.yaml', new TextEncoder().encode(text)).documents[0];
  const behind = lineComments(document?.source ?? '').map((comment) => `${comment.path.join('.')} # ${comment.text}`);
  const above = squeezed(text).match(/^ *#.*$/gm) ?? [];
  return { value: document?.value, comments: [...behind, ...above].sort() };
}

const file = recorded('merge3.json');
if (file !== undefined) {
  const cases = readCases<Case>(file).map((one, index) => [`${index} ${one.group}: ${one.description}`, one] as const);

  describe('recorded merges of one resource', () => {
    test.each(cases.filter(([, { infer }]) => !infer))('%s', (_name, one) => {
      const merged = merge(one);
      expect(content(merged)).toEqual(content(one.expected));
      expect(lines(merged)).toEqual(lines(one.expected));
    });

    // Keys of lists are never guessed from their items (M-01), so there is nothing to compare.
    test.skip.each(cases.filter(([, { infer }]) => infer))('%s infers keys', () => undefined);
  });
}

/** The lines of a text, sorted; a key that is first in its item has a dash in front. */
function lines(text: string): string[] {
  const all = squeezed(text).split('\n');
  return all.map((line) => line.replace(/^( *)- (?=\w+:)/, '$1  ')).sort();
}

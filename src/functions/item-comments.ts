import { type LineComment, lineComments } from '../krm/comments.ts';
import { getIn, valuesEqual } from '../krm/value.ts';
import type { FunctionItem } from './types.ts';

/**
 * The line comments of an item that hold `part`. Making the text of an item that changed is what costs here; it is not
 * made when the text at hand has no such comment, or has them all on values that are still the same.
 * @throws TerminalError reason InvalidYaml
 */
export function lineCommentsOf(item: FunctionItem, part: string): readonly LineComment[] {
  const { base, value } = item;
  if (base !== undefined) {
    const found = commentsIn(base.text, part);
    if (found.every((comment) => valuesEqual(getIn(value, comment.path), comment.value))) return found;
  }
  return commentsIn(item.text?.() ?? '', part);
}

function commentsIn(text: string, part: string): LineComment[] {
  return text.includes(part) ? lineComments(text).filter((comment) => comment.text.includes(part)) : [];
}

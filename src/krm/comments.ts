import type { KrmPath, KrmValue } from './value.ts';

/** A line comment (`key: value # text`, `key: # text`, `- value # text`) and the node that it belongs to. */
export interface LineComment {
  /** Path of the value; of the key's value where the comment stands behind the key of a collection. */
  readonly path: KrmPath;
  /** Text after `#`, trimmed. */
  readonly text: string;
  /** Plain value at the path. */
  readonly value: KrmValue;
  /** True when the comment stands on the key's own line and the value is a collection that begins below. */
  readonly onKey: boolean;
}

/** All line comments of one document's text, in document order. */
export function lineComments(source: string): LineComment[] {
  throw new Error(`not implemented: ${source.length}`);
}

/** Puts, changes or (null) removes line comments; nothing else of the text changes. */
export function setLineComments(
  source: string,
  comments: readonly { readonly path: KrmPath; readonly text: string | null }[],
): string {
  throw new Error(`not implemented: ${source.length} ${comments.length}`);
}

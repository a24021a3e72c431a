import type { KrmPath } from '../krm/value.ts';

const PART = /([A-Za-z_][\w-]*)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|\./gy;

/** The way that a text such as `spec.targets[1].labels["a/b"]` names; what cannot be read ends it. */
export function parseFieldText(text: string): KrmPath {
  const path: (string | number)[] = [];
  for (const [, name, index, quoted] of text.matchAll(PART)) {
    if (name !== undefined) path.push(name);
    else if (index !== undefined) path.push(Number(index));
    else if (quoted !== undefined) path.push(JSON.parse(`"${quoted}"`));
  }
  return path;
}

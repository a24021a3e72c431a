/** What a registry says it wants, from `WWW-Authenticate`. */
export interface Challenge {
  /** Lower case. */
  readonly scheme: string;
  readonly parameters: { readonly [name: string]: string };
}

const TOKEN = /[!#$%&'*+.^_`|~\w-]+/y;
const PARAMETER = /\s*([!#$%&'*+.^_`|~\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*,?/y;
const MAX_HEADER = 8192;

/** The challenges of one or more headers, in their order; what cannot be read ends the list. */
export function parseChallenges(header: string): Challenge[] {
  const text = header.slice(0, MAX_HEADER);
  const challenges: Challenge[] = [];
  let at = 0;
  for (;;) {
    at += /^[\s,]*/.exec(text.slice(at))?.[0].length ?? 0;
    TOKEN.lastIndex = at;
    const scheme = TOKEN.exec(text)?.[0];
    if (scheme === undefined) return challenges;
    at += scheme.length;
    const parameters: Record<string, string> = {};
    for (;;) {
      PARAMETER.lastIndex = at;
      const match = PARAMETER.exec(text);
      if (match === null) break;
      const [whole, name = '', quoted, plain] = match;
      parameters[name.toLowerCase()] = quoted === undefined ? (plain ?? '') : quoted.replace(/\\(.)/g, '$1');
      at += whole.length;
    }
    challenges.push({ scheme: scheme.toLowerCase(), parameters });
  }
}

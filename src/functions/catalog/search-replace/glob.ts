/**
 * A glob over file paths as a regular expression: `*` and `?` stop at slashes, `**` as a whole part is any number of
 * folders, `[a-z]` and `[^a-z]` are classes, `{a,b}` are alternatives, a backslash takes the next character literally.
 */
export function globPattern(glob: string): string {
  let pattern = '';
  let braces = 0;
  for (let at = 0; at < glob.length; at += 1) {
    const rest = glob.slice(at);
    const [folders] = /^\*\*(?:\/|$)/.exec(rest) ?? [];
    const [set] = /^\[[!^]?[^\]]+\]/.exec(rest) ?? [];
    const character = glob[at] as string;
    if (folders !== undefined && (at === 0 || glob[at - 1] === '/')) {
      pattern += folders === '**' ? '.*' : '(?:[^/]+/)*';
      at += folders.length - 1;
    } else if (set !== undefined) {
      pattern += set.replace('[!', '[^').replaceAll('\\', '\\\\');
      at += set.length - 1;
    } else if (character === '*') pattern += '[^/]*';
    else if (character === '?') pattern += '[^/]';
    else if (character === '{') {
      pattern += '(?:';
      braces += 1;
    } else if (character === '}' && braces > 0) {
      pattern += ')';
      braces -= 1;
    } else if (character === ',' && braces > 0) pattern += '|';
    else if (character === '\\' && at + 1 < glob.length) {
      at += 1;
      pattern += literal(glob[at] as string);
    } else pattern += literal(character);
  }
  return `^${pattern}$`;
}

function literal(character: string): string {
  return /[\w/-]/.test(character) ? character : `\\${character}`;
}

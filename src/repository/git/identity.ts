import type { PersonStamp } from '../types.ts';

/** Committer of everything that we write, and author where nobody asked. */
export const SERVICE_IDENTITY: PersonStamp = { name: 'Package Orchestration Service', email: 'porch@kpt.dev' };

/**
 * Author of a commit: what the Repository says if it says anything (only an e-mail names as well, only a name has no
 * e-mail), else who asked, else the service.
 */
export function commitAuthor(configured: Partial<PersonStamp> | undefined, requested?: PersonStamp): PersonStamp {
  if (configured?.name || configured?.email) {
    return clean({ name: configured.name || configured.email || '', email: configured.email ?? '' });
  }
  return requested ? clean(requested) : SERVICE_IDENTITY;
}

/** Git ends a name at `<` and a line at a newline, and refuses objects with an empty name. */
function clean({ name, email }: PersonStamp): PersonStamp {
  const safeEmail = strip(email);
  return { name: strip(name) || safeEmail || SERVICE_IDENTITY.name, email: safeEmail };
}

function strip(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
  return text.replace(/[\u0000-\u001f\u007f<>]/g, '').trim();
}

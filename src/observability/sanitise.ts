import { types } from 'node:util';

const REDACTED = '[redacted]';
const MAX_DEPTH = 10;

const SECRET_WORD = 'password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key';
const SECRET_HEADER = '(?:proxy-)?authorization|(?:set-)?cookie|private-token|x-[a-z-]{0,40}(?:token|key)';

interface Rule {
  readonly pattern: RegExp;
  readonly replacement: string;
}

/**
 * In this order: what spans lines first, then whole header values, then URLs, then what looks like a secret anywhere.
 * Where a text may be read in two ways, the reading that hides more is taken. Bounds keep the time linear.
 */
const RULES: readonly Rule[] = [
  {
    pattern:
      /-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|$)/g,
    replacement: '[redacted private key]',
  },
  // A quoted value ends with its quote, any other with the line: some schemes have parameters with quotes of their own.
  {
    pattern: new RegExp(`\\b((?:${SECRET_HEADER})\\\\*["']?\\s*[:=]\\s*(\\\\*["']))(?:(?!\\2)[^\\r\\n])*`, 'gi'),
    replacement: `$1${REDACTED}`,
  },
  {
    pattern: new RegExp(`\\b((?:${SECRET_HEADER})\\s*[:=]\\s*)[^\\s\\\\"'][^\\r\\n]*`, 'gi'),
    replacement: `$1${REDACTED}`,
  },
  // The user information reaches to the last "@" of the authority, since passwords hold "@" too.
  { pattern: /\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/?#"<>]{0,4000}@/gi, replacement: '$1' },
  // A password with a raw slash, question mark or hash; a port is none.
  {
    pattern: /\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/?#"<>:@]{0,400}:(?!\d{1,5}(?:[/?#]|$))[^\s"<>]{0,4000}@/gi,
    replacement: '$1',
  },
  // A whole URL as a query parameter of another.
  { pattern: /(%3A%2F%2F)(?:(?!%2F)[^\s/&"<>]){0,4000}%40/gi, replacement: '$1' },
  { pattern: /\b(bearer|basic|negotiate|token)(\s+)(?=[^\s]*[A-Z0-9])[\w.~+/=-]{8,}/g, replacement: `$1$2${REDACTED}` },
  {
    pattern: /\b(Bearer|BEARER|Basic|BASIC|Negotiate|Token)(\s+)(?![a-z]+\b)[\w.~+/=-]{6,}/g,
    replacement: `$1$2${REDACTED}`,
  },
  {
    pattern: new RegExp(`((?:${SECRET_WORD})[\\\\"']*\\s*=\\s*)(?:"[^"]*"|'[^']*'|[^\\s&,;"']+)`, 'gi'),
    replacement: `$1${REDACTED}`,
  },
  {
    pattern: new RegExp(`((?:${SECRET_WORD})(\\\\*["'])\\s*:\\s*\\2)(?:(?!\\2)[^\\r\\n])*`, 'gi'),
    replacement: `$1${REDACTED}`,
  },
  { pattern: /\b(?:gh[pousr]_|github_pat_|gl[a-z]{2,6}-|xox[a-z]-|npm_|ya29\.)[\w.-]{16,}/g, replacement: REDACTED },
  { pattern: /\bAT(?:BB|ATT|CTT)[\w=-]{20,}/g, replacement: REDACTED },
  { pattern: /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g, replacement: REDACTED },
  { pattern: /\beyJ[\w-]{5,4000}\.[\w-]{5,4000}(?:\.[\w-]*){1,3}/g, replacement: REDACTED },
];

/**
 * A text without what may let somebody in: user information of URLs, values of authorization headers and cookies,
 * bearer and basic credentials, values of `password=` and the like, well-known token forms, private keys in PEM.
 */
export function sanitiseText(text: string): string {
  return RULES.reduce((result, { pattern, replacement }) => result.replace(pattern, replacement), text);
}

/**
 * Plain data for a log: strings sanitised however deep they lie, values under keys that name a secret hidden, errors
 * as their name, message, stack, cause and own fields, bytes as their number, cycles cut.
 */
export function sanitiseValue(value: unknown): unknown {
  return sanitise(value, []);
}

function sanitise(value: unknown, ancestors: readonly object[]): unknown {
  if (typeof value === 'string') return sanitiseText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`;
  if (typeof value !== 'object' || value === null) return value;
  if (ancestors.includes(value)) return '[circular]';
  if (ancestors.length >= MAX_DEPTH) return '[too deep]';
  const inside = [...ancestors, value];
  if (types.isDate(value)) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof URL) return sanitiseText(value.href);
  if (types.isMap(value))
    return sanitiseEntries(
      [...value].map(([key, item]) => [String(key), item]),
      inside,
    );
  if (types.isSet(value)) return sanitiseList([...value], inside);
  if (Array.isArray(value)) return sanitiseList(value, inside);
  return sanitiseEntries(types.isNativeError(value) ? errorEntries(value) : ownEntries(value), inside);
}

/** A name of a secret hides what follows it, as in raw headers and command lines. */
function sanitiseList(items: readonly unknown[], ancestors: readonly object[]): unknown[] {
  return items.map((item, index) => {
    const before = items[index - 1];
    const named = typeof item === 'string' && typeof before === 'string' && namesSecret(before);
    return named ? REDACTED : sanitise(item, ancestors);
  });
}

function sanitiseEntries(entries: readonly (readonly [string, unknown])[], ancestors: readonly object[]): object {
  return Object.fromEntries(
    entries.map(([key, item]) => {
      const hidden = item !== undefined && item !== null && typeof item !== 'boolean' && namesSecret(key);
      return [sanitiseText(key), hidden ? REDACTED : sanitise(item, ancestors)];
    }),
  );
}

function namesSecret(name: string): boolean {
  const plain = name.replace(/[^a-z0-9]/gi, '').toLowerCase();
  return /^(?:proxy)?authorization$|^(?:set)?cookie$|(?:password|passwd|passphrase|secret|token|apikey|accesskey|privatekey|credentials)$/.test(
    plain,
  );
}

function errorEntries(error: Error): [string, unknown][] {
  const own = ownEntries(error).filter(([key]) => !['name', 'message', 'stack', 'cause'].includes(key));
  const entries: [string, unknown][] = [['name', error.name], ['message', error.message], ...own];
  if (error.stack !== undefined) entries.push(['stack', error.stack]);
  if (error.cause !== undefined) entries.push(['cause', error.cause]);
  return entries;
}

/** A getter that throws must not take the log line with it. */
function ownEntries(value: object): [string, unknown][] {
  return Object.keys(value).map((key) => {
    try {
      return [key, Reflect.get(value, key)];
    } catch {
      return [key, '[unreadable]'];
    }
  });
}

import { AsyncLocalStorage } from 'node:async_hooks';
import type { Writable } from 'node:stream';
import winston from 'winston';
import { sanitiseText, sanitiseValue } from './sanitise.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Structured data of a line. Errors go under `error`. Nested data is allowed; everything is sanitised. */
export type LogFields = { readonly [key: string]: unknown };

/** What a component needs to write its log. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to each line; a line's own fields win. */
  child(fields: LogFields): Logger;
  /**
   * Runs a function all of whose lines have `fields`, also those that other loggers of the same root write meanwhile,
   * and whatever the function waits for. Scopes nest; fields of a logger and of a line win.
   */
  scope<T>(fields: LogFields, run: () => T): T;
}

export interface LoggerOptions {
  /** Lines below this level are left out. */
  readonly level: LogLevel;
  /** `json`: one object a line, for machines. `plain`: `<time> <LEVEL> <message> key=value`, for people. */
  readonly format: 'json' | 'plain';
  /** Where lines go; a program gives its standard error. */
  readonly stream: Writable;
  readonly now?: () => Date;
}

const LEVELS: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3 };

/** A logger whose every line is sanitised: messages, fields, errors. A line never spans two lines of the stream. */
export function createLogger(options: LoggerOptions): Logger {
  const { now = () => new Date() } = options;
  const render = options.format === 'json' ? jsonLine : plainLine;
  const sink = winston.createLogger({
    level: options.level,
    levels: LEVELS,
    format: winston.format.printf(({ message }) => String(message)),
    transports: [new winston.transports.Stream({ stream: options.stream })],
  });
  const scopes = new AsyncLocalStorage<LogFields>();
  return fieldLogger(
    {},
    {
      write: (level, message, fields) => {
        if (!sink.isLevelEnabled(level)) return;
        const data = sanitiseValue({ ...scopes.getStore(), ...fields }) as LogFields;
        sink.log({ level, message: render(now().toISOString(), level, sanitiseText(message), data) });
      },
      scope: (fields, run) => scopes.run({ ...scopes.getStore(), ...fields }, run),
    },
  );
}

/** Drops everything. */
export const nullLogger: Logger = fieldLogger({}, { write: () => {}, scope: (_fields, run) => run() });

interface Root extends Pick<Logger, 'scope'> {
  write(level: LogLevel, message: string, fields: LogFields): void;
}

function fieldLogger(common: LogFields, root: Root): Logger {
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}) =>
      root.write(level, message, { ...common, ...fields });
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => fieldLogger({ ...common, ...fields }, root),
    scope: (fields, run) => root.scope(fields, run),
  };
}

function jsonLine(time: string, level: LogLevel, message: string, fields: LogFields): string {
  const own = Object.entries(fields).map(([key, value]) => [isReserved(key) ? `${key}_` : key, value]);
  return JSON.stringify({ time, level, message, ...Object.fromEntries(own) });
}

function isReserved(key: string): boolean {
  return key === 'time' || key === 'level' || key === 'message';
}

function plainLine(time: string, level: LogLevel, message: string, fields: LogFields): string {
  const pairs = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${quoted(key)}=${typeof value === 'string' ? quoted(value) : JSON.stringify(value)}`);
  return [time, level.toUpperCase().padEnd(5), escaped(message), ...pairs].join(' ');
}

function quoted(text: string): string {
  return /^[^\s"=]+$/.test(text) ? escaped(text) : JSON.stringify(text);
}

/** Control characters, escape sequences for terminals among them, as JSON writes them. */
function escaped(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

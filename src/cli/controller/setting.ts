/** One thing that can be set: by its flag, by an environment variable, in the configuration file. */
export interface Setting<T> {
  /** Without the dashes in front. */
  readonly flag: string;
  /** What stands for the value in the help, `<file>` for example. Brackets mean that it may be left out: `true` then. */
  readonly argument: string;
  readonly help: string;
  /** @throws InvalidSetting */
  readonly parse: (texts: readonly string[]) => T;
  /** As it stands in the configuration file; `parse` reads it. Default: as it is. */
  show?(value: NonNullable<T>): string;
  readonly fallback: T;
  /** What help and documentation say of the fallback where its value does not say it. */
  readonly fallbackText?: string;
}

/** Why a text is no value of a setting; a sentence that goes on after the setting's name. */
export class InvalidSetting extends Error {}

/** Absent unless it is set. */
export function optional<T>(setting: Omit<Setting<T>, 'fallback'>): Setting<T | undefined> {
  return { ...setting, fallback: undefined };
}

type Kind<T> = Pick<Setting<T>, 'argument' | 'parse' | 'show'>;

/** @param check gives the value back as it counts @throws InvalidSetting */
export function text(argument: string, check: (value: string) => string = (value) => value): Kind<string> {
  return { argument, parse: (texts) => check(notEmpty(single(texts))) };
}

export const yesOrNo: Kind<boolean> = {
  argument: '[boolean]',
  parse: (texts) => {
    const value = single(texts);
    if (value !== 'true' && value !== 'false') throw new InvalidSetting('must be true or false');
    return value === 'true';
  },
};

export function integer(argument: string, minimum: number, maximum = Number.MAX_SAFE_INTEGER): Kind<number> {
  return {
    argument,
    parse: (texts) => {
      const value = single(texts);
      const number = Number(value);
      if (!/^\d+$/.test(value) || number < minimum || number > maximum) {
        const range = maximum === Number.MAX_SAFE_INTEGER ? `${minimum} or more` : `from ${minimum} to ${maximum}`;
        throw new InvalidSetting(`must be a whole number, ${range}`);
      }
      return number;
    },
  };
}

/** A name as Kubernetes takes it for namespaces and most objects. */
export const dnsLabel = (argument: string): Kind<string> => ({
  argument,
  parse: (texts) => {
    const value = single(texts);
    if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(value)) {
      throw new InvalidSetting('must be a name of small letters, digits and dashes, of at most 63 characters');
    }
    return value;
  },
});

export function oneOf<const T extends string>(...values: readonly T[]): Kind<T> {
  return {
    argument: `<${values.join('|')}>`,
    parse: (texts) => {
      const value = single(texts);
      const found = values.find((candidate) => candidate === value);
      if (found === undefined) throw new InvalidSetting(`must be one of ${values.join(', ')}`);
      return found;
    },
  };
}

/** Commas and repetition are the same. */
export function list<T extends string>(argument: string, check: (item: string) => T): Kind<readonly T[]> {
  return {
    argument,
    parse: (texts) => texts.flatMap((item) => item.split(',')).map((item) => check(notEmpty(item.trim()))),
  };
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `90s`, `1m30s`; in milliseconds. */
export function duration(minimumMs = 1): Kind<number> {
  return {
    argument: '<duration>',
    parse: (texts) => {
      const value = single(texts);
      if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(value)) throw new InvalidSetting('must be a duration such as 90s or 5m');
      const parts = [...value.matchAll(/([\d.]+)(ms|s|m|h)/g)];
      const milliseconds = parts.reduce((sum, [, count, unit = 's']) => sum + Number(count) * (UNITS[unit] ?? 0), 0);
      if (milliseconds < minimumMs) throw new InvalidSetting(`must be at least ${durationText(minimumMs)}`);
      return milliseconds;
    },
    show: durationText,
  };
}

/** As `duration` reads it. */
export function durationText(milliseconds: number): string {
  for (const [unit, size] of Object.entries(UNITS).reverse()) {
    if (milliseconds >= size && milliseconds % size === 0) return `${milliseconds / size}${unit}`;
  }
  return `${milliseconds}ms`;
}

/** Where a server listens. */
export interface ListenAddress {
  /** Absent: all addresses. */
  readonly host?: string;
  /** 0: any free port. */
  readonly port: number;
}

/** `:8080`, `127.0.0.1:8080`, `[::1]:0`; `off` means no server. */
export const listenAddress: Kind<ListenAddress | 'off'> = {
  argument: '<address>',
  show: listenAddressText,
  parse: (texts) => {
    const value = single(texts);
    if (value === 'off') return value;
    const [, bracketed, plain, port = ''] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s[\]]*)):(\d{1,5})$/.exec(value) ?? [];
    if (port === '' || Number(port) > 65_535) {
      throw new InvalidSetting('must be an address such as :8080 or 127.0.0.1:8080, or off');
    }
    return { host: bracketed || plain || undefined, port: Number(port) };
  },
};

export function listenAddressText(address: ListenAddress | 'off'): string {
  if (address === 'off') return address;
  const { host = '', port } = address;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function single(texts: readonly string[]): string {
  const [value, ...more] = texts;
  if (value === undefined) throw new InvalidSetting('must have a value');
  if (more.length > 0) throw new InvalidSetting('must be given once');
  return value;
}

function notEmpty(value: string): string {
  if (value === '') throw new InvalidSetting('must not be empty');
  return value;
}

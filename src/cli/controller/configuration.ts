import { readFile } from 'node:fs/promises';
import { didYouMean } from '../../api/did-you-mean.ts';
import { errorMessage, TerminalError } from '../../api/errors.ts';
import { readValue } from '../../krm/fast-reader.ts';
import { isList, isMap, type KrmValue } from '../../krm/value.ts';
import { unreadable } from '../manifest-files.ts';
import { InvalidSetting, type Setting } from './setting.ts';
import { SETTINGS, type SettingName, type Settings } from './settings.ts';

/** Where settings come from; what stands first counts. */
export interface ConfigurationSources {
  /** By the names of the settings. */
  readonly flags: { readonly [name: string]: readonly string[] | undefined };
  readonly env: { readonly [name: string]: string | undefined };
  /** Path of a YAML file: a map from names of settings to values. */
  readonly file?: string;
}

const NAMES = Object.keys(SETTINGS) as SettingName[];

/** The environment variable of a setting: `VERANDA_GIT_TIMEOUT` for `--git-timeout`. */
export function variableOf({ flag }: Pick<Setting<unknown>, 'flag'>): string {
  return `VERANDA_${flag.toUpperCase().replaceAll('-', '_')}`;
}

/**
 * Reads and checks all settings.
 * @throws TerminalError InvalidConfiguration, with every fault and where it was set; UnreadableFile
 */
export async function readConfiguration({ flags, env, file }: ConfigurationSources): Promise<Settings> {
  const faults: string[] = [];
  const fromFile = file === undefined ? new Map<string, readonly string[]>() : await readSettingsFile(file, faults);
  const entries = NAMES.map((name): [SettingName, unknown] => {
    const setting: Setting<unknown> = SETTINGS[name];
    const given = [
      { texts: flags[name], where: `--${setting.flag}` },
      ...variablesOf(name, setting).map((variable) => ({ texts: textsOf(env[variable]), where: variable })),
      { texts: fromFile.get(name), where: `${file}: ${name}` },
    ].find(({ texts }) => texts !== undefined);
    if (given?.texts === undefined) return [name, setting.fallback];
    try {
      return [name, setting.parse(given.texts)];
    } catch (error) {
      if (!(error instanceof InvalidSetting)) throw error;
      faults.push(`${given.where} ${error.message}, not ${given.texts.map((text) => JSON.stringify(text)).join(', ')}`);
      return [name, setting.fallback];
    }
  });
  const settings = Object.fromEntries(entries) as Settings;
  if (faults.length === 0) faults.push(...contradictions(settings));
  if (faults.length > 0) {
    throw new TerminalError('InvalidConfiguration', `the configuration is not valid:\n  ${faults.join('\n  ')}`);
  }
  return settings;
}

/** kubectl's own variable counts as well. */
function variablesOf(name: SettingName, setting: Setting<unknown>): readonly string[] {
  return name === 'kubeconfig' ? [variableOf(setting), 'KUBECONFIG'] : [variableOf(setting)];
}

function textsOf(value: string | undefined): readonly string[] | undefined {
  return value === undefined || value === '' ? undefined : [value];
}

async function readSettingsFile(file: string, faults: string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const content = await readFile(file, 'utf8').catch((error: unknown) => {
    throw unreadable(file, error);
  });
  const settings = new Map<string, readonly string[]>();
  for (const [key, value] of entriesOf(file, content, faults)) {
    const texts = (isList(value) ? value : [value]).map(textOf);
    if (!NAMES.some((name) => name === key)) {
      const meant = didYouMean(key, NAMES);
      faults.push(`${file}: ${key} is no setting${meant === undefined ? '' : `; did you mean ${meant}?`}`);
    } else if (texts.every((text) => text !== undefined)) {
      settings.set(key, texts);
    } else {
      faults.push(`${file}: ${key} must be a value or a list of values`);
    }
  }
  return settings;
}

function entriesOf(file: string, content: string, faults: string[]): readonly [string, KrmValue | undefined][] {
  try {
    const value = readValue(content);
    if (value === null) return [];
    if (isMap(value)) return Object.entries(value);
    faults.push(`${file} must hold a map from settings to values`);
  } catch (error) {
    faults.push(`${file} is no YAML: ${errorMessage(error)}`);
  }
  return [];
}

function textOf(value: KrmValue | undefined): string | undefined {
  return value === undefined || typeof value === 'object' ? undefined : String(value);
}

/** What is right by itself and wrong together. */
function contradictions(settings: Settings): readonly string[] {
  const { leaseDuration, leaseRenewDeadline, leaseRetryPeriod, kubeconfig, context } = settings;
  const faults: string[] = [];
  if (leaseDuration <= leaseRenewDeadline) faults.push('--lease-duration must be longer than --lease-renew-deadline');
  if (leaseRenewDeadline <= leaseRetryPeriod) {
    faults.push('--lease-renew-deadline must be longer than --lease-retry-period');
  }
  if (context !== undefined && kubeconfig === undefined) faults.push('--context needs --kubeconfig');
  const addresses = (['metricsAddress', 'healthAddress', 'syncAddress'] as const).flatMap((name) => {
    const address = settings[name];
    return address === 'off' || address.port === 0 ? [] : [{ name, ...address }];
  });
  for (const [index, one] of addresses.entries()) {
    for (const other of addresses.slice(index + 1)) {
      const overlap = one.host === undefined || other.host === undefined || one.host === other.host;
      if (one.port === other.port && overlap) {
        faults.push(`--${SETTINGS[one.name].flag} and --${SETTINGS[other.name].flag} must not be the same`);
      }
    }
  }
  return faults;
}

/** Settings as the configuration file has them; what is not set is left out. */
export function settingsDocument(settings: Settings): { readonly [name: string]: unknown } {
  return Object.fromEntries(
    NAMES.flatMap((name) => {
      const value: unknown = settings[name];
      return value === undefined || value === null ? [] : [[name, shownValue(SETTINGS[name], value)]];
    }),
  );
}

/** @param value one of the setting */
export function shownValue(setting: Setting<unknown>, value: NonNullable<unknown>): unknown {
  return setting.show === undefined ? value : setting.show(value);
}

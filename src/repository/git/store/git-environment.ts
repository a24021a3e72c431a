import type { ConfigEntry } from './git-process.ts';

const SEARCH_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin';

/**
 * What every call is held to, whatever a machine's or a user's git configuration says. Redirects are off because git
 * would send our credentials along to wherever a redirect points.
 */
const BASE_CONFIG: readonly ConfigEntry[] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.askPass', ''],
  ['credential.helper', ''],
  ['credential.interactive', 'false'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['http.followRedirects', 'false'],
  ['http.lowSpeedLimit', '1'],
  ['http.lowSpeedTime', '30'],
  ['protocol.version', '2'],
  ['protocol.allow', 'never'],
  ['protocol.https.allow', 'always'],
  ['protocol.http.allow', 'always'],
  ['protocol.ssh.allow', 'always'],
  ['protocol.file.allow', 'always'],
  ['push.recurseSubmodules', 'no'],
  ['fetch.recurseSubmodules', 'no'],
  // Every fetch becomes one pack, written whole or not at all.
  ['fetch.unpackLimit', '1'],
  ['transfer.fsckObjects', 'true'],
  ['pack.threads', '1'],
  ['pack.windowMemory', '128m'],
  ['pack.deltaCacheSize', '64m'],
];

/** Blemishes that old tools left in many real repositories and that do no harm. */
const TOLERATED_BLEMISHES = [
  'zeroPaddedFilemode',
  'badFilemode',
  'badTimezone',
  'badDate',
  'badEmail',
  'badName',
  'missingEmail',
  'missingNameBeforeEmail',
  'missingSpaceBeforeDate',
  'missingSpaceBeforeEmail',
  'missingTaggerEntry',
  'missingTag',
  'nulInCommit',
  'zeroPaddedDate',
] as const;

/**
 * The whole environment of a git child. Nothing is inherited, so that no `GIT_TRACE`, proxy variable, `HOME` or agent
 * of ours reaches it.
 */
export function gitEnvironment(
  gitDirectory: string,
  config: readonly ConfigEntry[],
  extra: Readonly<Record<string, string>>,
): Record<string, string> {
  const fsck = TOLERATED_BLEMISHES.flatMap((id): ConfigEntry[] => [
    [`fetch.fsck.${id}`, 'warn'],
    [`fsck.${id}`, 'warn'],
  ]);
  return {
    PATH: SEARCH_PATH,
    LC_ALL: 'C',
    LANGUAGE: 'C',
    HOME: '/nonexistent',
    XDG_CONFIG_HOME: '/nonexistent',
    GIT_DIR: gitDirectory,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_SYSTEM: '/dev/null',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_ASKPASS: '',
    SSH_ASKPASS_REQUIRE: 'never',
    ...configEnvironment([...BASE_CONFIG, ...fsck, ...config]),
    ...extra,
  };
}

function configEnvironment(entries: readonly ConfigEntry[]): Record<string, string> {
  const environment: Record<string, string> = { GIT_CONFIG_COUNT: String(entries.length) };
  for (const [index, [key, value]] of entries.entries()) {
    environment[`GIT_CONFIG_KEY_${index}`] = key;
    environment[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return environment;
}

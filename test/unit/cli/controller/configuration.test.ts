import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { TerminalError } from '../../../../src/api/errors.ts';
import {
  type ConfigurationSources,
  readConfiguration,
  settingsDocument,
  variableOf,
} from '../../../../src/cli/controller/configuration.ts';
import { duration, durationText } from '../../../../src/cli/controller/setting.ts';
import { SETTINGS } from '../../../../src/cli/controller/settings.ts';
import { createPrometheusMetrics } from '../../../../src/observability/prometheus.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'veranda-configuration-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function file(content: string): Promise<string> {
  const path = join(folder, 'config.yaml');
  await writeFile(path, content);
  return path;
}

const read = (sources: Partial<ConfigurationSources> = {}) => readConfiguration({ flags: {}, env: {}, ...sources });

async function faultsOf(sources: Partial<ConfigurationSources>): Promise<string[]> {
  const error = await read(sources).catch((thrown: unknown) => thrown);
  if (!(error instanceof TerminalError)) throw new Error('no fault was found');
  expect(error.reason).toBe('InvalidConfiguration');
  return error.message.split('\n  ').slice(1);
}

test('nothing has to be set', async () => {
  expect(await read()).toMatchObject({
    kubeconfig: undefined,
    namespace: undefined,
    metricsAddress: { port: 8080 },
    leaderElect: undefined,
    leaseName: 'veranda-controller',
    allowImages: [],
    gitTimeout: 60_000,
  });
});

test('a flag goes before a variable, and that before the file', async () => {
  const path = await file('gitTimeout: 1s\nfnTimeout: 1s\nreconcileTimeout: 1s\n');
  const env = { VERANDA_GIT_TIMEOUT: '2s', VERANDA_FN_TIMEOUT: '2s' };
  const settings = await read({ file: path, env, flags: { gitTimeout: ['3s'] } });
  expect(settings).toMatchObject({ gitTimeout: 3_000, fnTimeout: 2_000, reconcileTimeout: 1_000 });
});

test('an empty variable is none', async () => {
  expect((await read({ env: { VERANDA_GIT_TIMEOUT: '' } })).gitTimeout).toBe(60_000);
});

test("kubectl's variable names the kubeconfig where ours does not", async () => {
  expect((await read({ env: { KUBECONFIG: '/a' } })).kubeconfig).toBe('/a');
  expect((await read({ env: { KUBECONFIG: '/a', VERANDA_KUBECONFIG: '/b' } })).kubeconfig).toBe('/b');
});

test('every fault is told at once, with where it was set', async () => {
  const path = await file('gitTimout: 90s\nburst: many\nallowImages: {a: b}\n');
  const faults = await faultsOf({
    file: path,
    env: { VERANDA_LOG_LEVEL: 'loud' },
    flags: { metricsAddress: ['8080'], namespace: ['Not_A_Name'] },
  });
  expect(faults.sort()).toEqual(
    [
      '--metrics-address must be an address such as :8080 or 127.0.0.1:8080, or off, not "8080"',
      '--namespace must be a name of small letters, digits and dashes, of at most 63 characters, not "Not_A_Name"',
      'VERANDA_LOG_LEVEL must be one of debug, info, warn, error, not "loud"',
      `${path}: allowImages must be a value or a list of values`,
      `${path}: burst must be a whole number, 1 or more, not "many"`,
      `${path}: gitTimout is no setting; did you mean gitTimeout?`,
    ].sort(),
  );
});

test.each([
  [
    { leaseDuration: ['10s'], leaseRenewDeadline: ['10s'] },
    '--lease-duration must be longer than --lease-renew-deadline',
  ],
  [
    { leaseRenewDeadline: ['2s'], leaseRetryPeriod: ['2s'] },
    '--lease-renew-deadline must be longer than --lease-retry-period',
  ],
  [{ context: ['dev'] }, '--context needs --kubeconfig'],
  [{ metricsAddress: [':8081'] }, '--metrics-address and --health-address must not be the same'],
  [{ metricsAddress: ['127.0.0.1:8081'] }, '--metrics-address and --health-address must not be the same'],
])('what is right by itself and wrong together is told: %j', async (flags, fault) => {
  expect(await faultsOf({ flags })).toEqual([fault]);
});

test.each([
  [{ metricsAddress: [':0'], healthAddress: [':0'] }],
  [{ metricsAddress: ['off'], healthAddress: ['off'], syncAddress: ['off'] }],
  [{ metricsAddress: ['127.0.0.1:9000'], healthAddress: ['127.0.0.2:9000'] }],
])('servers on free ports, none, or others are no contradiction: %j', async (flags) => {
  await expect(read({ flags })).resolves.toMatchObject({});
});

test('a file that is no YAML, and one that is no map, are faults', async () => {
  expect((await faultsOf({ file: await file('a: [') }))[0]).toContain('is no YAML');
  expect((await faultsOf({ file: await file('- a') }))[0]).toContain('must hold a map');
});

test('a file that is not there is told by its name', async () => {
  await expect(read({ file: '/nowhere.yaml' })).rejects.toMatchObject({
    reason: 'UnreadableFile',
    location: { file: '/nowhere.yaml' },
  });
});

test('lists may be repeated or have commas', async () => {
  const flags = { allowImages: ['example.com/a,example.com/b/', 'example.com/c'] };
  expect((await read({ flags })).allowImages).toEqual(['example.com/a', 'example.com/b', 'example.com/c']);
});

test('what is printed is a file that gives the same settings', async () => {
  const flags = {
    kubeconfig: ['/k'],
    metricsAddress: ['[::1]:9090'],
    syncAddress: ['off'],
    allowImages: ['example.com/a,example.com/b'],
    leaderElect: ['false'],
    gitTimeout: ['1m30s'],
  };
  const settings = await read({ flags });
  const printed = stringify(settingsDocument(settings));
  expect(parse(printed)).toMatchObject({ metricsAddress: '[::1]:9090', syncAddress: 'off', gitTimeout: '90s' });
  expect(await read({ file: await file(printed) })).toEqual(settings);
});

describe('the table of settings', () => {
  test.each(Object.entries(SETTINGS))('%s has the flag and the variable of its name', (name, setting) => {
    const words = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    expect(setting.flag).toBe(words);
    expect(variableOf(setting)).toBe(`VERANDA_${words.toUpperCase().replaceAll('-', '_')}`);
    expect(setting.help).not.toBe('');
  });
});

test('a duration as it is shown is read as the same duration', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000_000_000 }), (milliseconds) => {
      expect(duration().parse([durationText(milliseconds)])).toBe(milliseconds);
    }),
  );
});

describe('docs/operations.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/operations.md'), 'utf8');

  test.each(Object.values(SETTINGS).map(({ flag }) => flag))('has the option --%s', (flag) => {
    expect(page).toContain(`\`--${flag}\``);
  });

  test('has no other options, and no metrics that are not there', async () => {
    const flags = Object.values(SETTINGS).map(({ flag }) => `--${flag}`);
    const table = page.split('## Settings')[1]?.split('\n## ')[0] ?? '';
    const named = [...table.matchAll(/`(--[a-z-]+)`/g)].map(([, flag]) => flag ?? '');
    expect(named.filter((flag) => !flags.includes(flag) && !['--config', '--print-config'].includes(flag))).toEqual([]);
    const metrics = createPrometheusMetrics();
    metrics.observe({
      packageRevisions: () => [],
      repositorySyncs: () => [],
      functionPods: () => [],
      functionQueues: () => [],
    });
    const text = await metrics.text();
    const names = [
      ...page.matchAll(/`((?:controller_runtime|workqueue|rest_client|leader_election|veranda)_[a-z_]+)`/g),
    ];
    expect(names.length).toBeGreaterThan(15);
    expect(names.map(([, name]) => name).filter((name) => !text.includes(`# TYPE ${name} `))).toEqual([]);
  });
});

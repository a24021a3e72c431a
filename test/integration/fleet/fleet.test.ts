import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';

const root = join(import.meta.dirname, '../../..');
const CLUSTERS = ['ashburn', 'dallas', 'frankfurt', 'paris', 'portland', 'warsaw'];

describe('the fleet that `make run` makes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'veranda-fleet-'));
  const sample = join(folder, 'sample');
  const place = join(folder, 'place');
  const runs: { readonly output: string; readonly refs: ReadonlyMap<string, string> }[] = [];

  beforeAll(() => {
    cpSync(join(root, 'config/samples/fleet'), sample, { recursive: true });
    runs.push(run(), run());
    const clusters = join(sample, 'manifests/clusters.yaml');
    const before = readFileSync(clusters, 'utf8');
    writeFileSync(clusters, before.replace('host: shop.paris.eu', 'host: shod.paris.eu'));
    runs.push(run());
  }, 180_000);

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  function run() {
    const script = join(root, 'scripts/run-sample.mjs');
    const options = { encoding: 'utf8', env: { PATH: process.env.PATH } } as const;
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, sample, place], options);
    return {
      output: `${stdout}${stderr}exit code ${status}`,
      refs: new Map(CLUSTERS.map((name) => [name, refs(name)])),
    };
  }

  function git(cluster: string, ...args: string[]): string {
    return execFileSync('git', ['-C', join(place, 'remotes', `${cluster}.git`), ...args], { encoding: 'utf8' });
  }

  function refs(cluster: string): string {
    return git(cluster, 'for-each-ref', '--format=%(refname) %(objectname)');
  }

  function file(cluster: string, ref: string, path: string) {
    return parseAllDocuments(git(cluster, 'show', `${ref}:${path}`)).map((document) => document.toJS());
  }

  const namesOf = (listed: string | undefined): string[] =>
    (listed ?? '').split('\n').map((line) => line.split(' ')[0] ?? '');

  test.each(CLUSTERS)('%s has both packages published, and nothing else', (cluster) => {
    expect(runs[0]?.output).toMatch(/exit code 0$/);
    expect(namesOf(runs[0]?.refs.get(cluster)).filter(Boolean)).toEqual([
      'refs/heads/main',
      'refs/tags/monitoring/v1',
      'refs/tags/storefront/v1',
      'refs/tags/storefront/v2',
      ...(cluster === 'paris' ? ['refs/tags/storefront/v3'] : []),
    ]);
  });

  test('the report tells for each cluster what was made, and gives commands that work', () => {
    const output = runs[0]?.output ?? '';
    for (const cluster of CLUSTERS) expect(output).toContain(`  ${cluster}: monitoring/v1, storefront/v1`);
    const commands = output.split('\n').flatMap((line) => /^ {2}(git -C .*)$/.exec(line)?.[1] ?? []);
    expect(commands).toHaveLength(3);
    for (const command of commands) {
      expect(execFileSync('sh', ['-c', command], { cwd: process.cwd(), encoding: 'utf8' })).not.toBe('');
    }
  });

  test.each([
    ['frankfurt', 'eu', 'nginx', 3, 12],
    ['warsaw', 'eu', 'traefik', 2, 4],
    ['portland', 'us', 'nginx', 2, 4],
  ])('the shop in %s has what is known of its cluster', (cluster, region, ingressClass, minReplicas, maxReplicas) => {
    const host = `shop.${cluster}.${region}.example.com`;
    const [, ingress] = file(cluster, 'storefront/v1', 'storefront/network.yaml');
    expect(ingress.spec).toMatchObject({ ingressClassName: ingressClass, rules: [{ host }], tls: [{ hosts: [host] }] });
    expect(ingress.metadata).toMatchObject({
      namespace: 'storefront',
      annotations: { 'fleet.example.com/cluster': cluster },
      labels: { 'app.kubernetes.io/part-of': 'shop' },
    });
    const [autoscaler] = file(cluster, 'storefront/v1', 'storefront/autoscaling.yaml');
    expect(autoscaler.spec).toMatchObject({ minReplicas, maxReplicas });
    const [config] = file(cluster, 'storefront/v1', 'storefront/configmap.yaml');
    expect(config.data).toEqual({ LOG_LEVEL: 'info', PUBLIC_HOST: host, REGION: region });
    const [context] = file(cluster, 'storefront/v1', 'storefront/package-context.yaml');
    expect(context.data).toMatchObject({ name: 'storefront', cluster, region });
    const [kptfile] = file(cluster, 'storefront/v1', 'storefront/Kptfile');
    expect(kptfile.pipeline.mutators[0].name).toBe(`PackageVariant.storefront-${cluster}.cluster.0`);
    expect(kptfile.upstreamLock.git).toMatchObject({ directory: 'storefront', ref: 'storefront/v1' });
    expect(kptfile.status.conditions).toContainEqual(
      expect.objectContaining({ type: 'config.injection.Cluster.cluster', status: 'True' }),
    );
  });

  test.each([
    ['paris', 'eu'],
    ['dallas', 'us'],
  ])('monitoring in %s sends to its region, and the subpackage ran its own pipeline first', (cluster, region) => {
    const [agent] = file(cluster, 'monitoring/v1', 'monitoring/agent.yaml');
    expect(agent.spec).toMatchObject({
      externalLabels: { region },
      remoteWrite: [{ url: `https://metrics.${region}.example.com/api/v1/push` }],
    });
    const [rules] = file(cluster, 'monitoring/v1', 'monitoring/alerts/rules.yaml');
    expect(rules.spec.groups[0].rules.map((rule: { readonly for: string }) => rule.for)).toEqual(['10m', '10m']);
    expect(rules.metadata).toMatchObject({
      annotations: { 'runbooks.example.com/owner': 'platform' },
      labels: { 'app.kubernetes.io/part-of': 'monitoring' },
    });
  });

  test.each(CLUSTERS)('%s was upgraded to the second revision of the shop', (cluster) => {
    const tag = cluster === 'paris' ? 'storefront/v3' : 'storefront/v2';
    expect(runs[0]?.output).toMatch(new RegExp(`^ {2}${cluster}: ${tag}$`, 'm'));
    const [deployment] = file(cluster, tag, 'storefront/deployment.yaml');
    expect(deployment.spec.template.spec.containers).toEqual([
      expect.objectContaining({
        image: 'example/storefront:2.9.0',
        livenessProbe: { httpGet: { path: '/healthz', port: 'http' } },
      }),
    ]);
    expect(file(cluster, tag, 'storefront/account.yaml')[0]).toMatchObject({ kind: 'ServiceAccount' });
    const [, budget] = file(cluster, tag, 'storefront/autoscaling.yaml');
    expect(budget.spec.maxUnavailable).toBe('25%');
    const [kptfile] = file(cluster, tag, 'storefront/Kptfile');
    expect(kptfile.upstreamLock.git.ref).toBe('storefront/v2');
  });

  test('the one conflict is that of Paris, told with its three sides, and as an event', () => {
    expect(file('paris', 'storefront/v2', 'storefront/autoscaling.yaml')[1].spec.maxUnavailable).toBe(2);
    const output = runs[0]?.output ?? '';
    expect(output.match(/^Conflict in .*$/gm)).toEqual([expect.stringContaining('Conflict in paris.storefront.')]);
    for (const line of ['field: spec.maxUnavailable', 'base: 1', 'local: 2', 'upstream: 25%', 'resolution: upstream']) {
      expect(output).toContain(`\n  ${line}\n`);
    }
    expect(output.match(/warning: .*MergeConflict/g)).toHaveLength(1);
    expect(output).toContain('-  maxUnavailable: 2\n  +  maxUnavailable: 25%\n');
  });

  test('a second run changes nothing, and says so', () => {
    expect(runs[1]?.output).toMatch(/exit code 0$/);
    expect(runs[1]?.output).toContain('Nothing has changed');
    expect(runs[1]?.refs).toEqual(runs[0]?.refs);
  });

  test('one changed byte of one cluster makes a new revision of its shop, and of nothing else', () => {
    expect(runs[2]?.output).toMatch(/exit code 0$/);
    expect(runs[2]?.output).toContain('  paris: storefront/v4');
    for (const cluster of CLUSTERS.filter((name) => name !== 'paris')) {
      expect(runs[2]?.refs.get(cluster)).toBe(runs[0]?.refs.get(cluster));
    }
    // The Kptfile tells of its last render, which may word things in another way the second time.
    const pathspec = ['--', 'storefront', ':!storefront/Kptfile'];
    const changed = git('paris', 'diff', '--name-only', 'storefront/v3', 'storefront/v4', ...pathspec);
    expect(changed.trim().split('\n')).toEqual(
      ['cluster.yaml', 'configmap.yaml', 'network.yaml'].map((path) => `storefront/${path}`),
    );
    expect(namesOf(refs('paris')).filter((name) => name.startsWith('refs/heads/'))).toEqual(['refs/heads/main']);
    const hosts = git('paris', 'show', 'main:storefront/configmap.yaml');
    expect(parse(hosts).data.PUBLIC_HOST).toBe('shod.paris.eu.example.com');
  });

  test.each(CLUSTERS)('the repository of %s is in order, and its files are YAML', (cluster) => {
    git(cluster, 'fsck', '--strict', '--no-dangling');
    for (const path of git(cluster, 'ls-tree', '-r', '--name-only', 'main').trim().split('\n')) {
      if (!/\.yaml$|Kptfile$/.test(path)) continue;
      const errors = parseAllDocuments(git(cluster, 'show', `main:${path}`)).flatMap((document) => document.errors);
      expect(errors).toEqual([]);
    }
  });
});

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';

const root = join(import.meta.dirname, '../..');

describe('the quick start', () => {
  const folder = mkdtempSync(join(tmpdir(), 'veranda-quickstart-'));
  const deployments = join(folder, 'remotes/deployments.git');
  let first = { status: null as number | null, stdout: '', stderr: '' };
  let second = first;
  let refsAfterFirst = '';

  beforeAll(() => {
    first = quickstart();
    refsAfterFirst = refs();
    second = quickstart();
  });

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  function quickstart() {
    const script = join(root, 'scripts/run-sample.mjs');
    return spawnSync(process.execPath, [script, 'quickstart', folder], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH },
    });
  }

  function git(...args: string[]): string {
    return execFileSync('git', ['-C', deployments, ...args], { encoding: 'utf8' });
  }

  function refs(): string {
    return git('for-each-ref', '--format=%(refname) %(objectname)');
  }

  function published(file: string) {
    return parse(git('show', `storefront/v1:storefront/${file}`));
  }

  test('publishes the package and says where it lies', () => {
    expect(`${first.stderr}${first.status}`).toMatch(/0$/);
    expect(
      refs()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual(expect.arrayContaining(['refs/heads/main', 'refs/tags/storefront/v1']));
    expect(first.stdout).toContain(deployments);
    expect(first.stdout).toContain('deployments: storefront/v1');
  });

  test('the package has its context, its namespace, its labels and the values of its setters', () => {
    expect(published('package-context.yaml').data).toMatchObject({
      environment: 'production',
      name: 'storefront',
      region: 'eu-west',
    });
    const deployment = published('deployment.yaml');
    expect(deployment.metadata.namespace).toBe('storefront');
    expect(deployment.metadata.labels).toEqual({
      'app.kubernetes.io/name': 'web-service',
      'app.kubernetes.io/part-of': 'shop',
    });
    expect(deployment.spec.template.spec.containers[0].image).toBe('example/web:1.27.3');
  });

  test('the Kptfile knows where the package comes from and who changed its pipeline', () => {
    const kptfile = published('Kptfile');
    expect(kptfile.metadata.name).toBe('storefront');
    expect(kptfile.upstream.git).toMatchObject({ directory: 'web-service', ref: 'web-service/v1' });
    expect(kptfile.upstreamLock.git.commit).toMatch(/^[0-9a-f]{40}$/);
    expect(kptfile.pipeline.mutators[0].name).toBe('PackageVariant.storefront.namespace.0');
  });

  test('a second run changes nothing, and says so', () => {
    expect(`${second.stderr}${second.status}`).toMatch(/0$/);
    expect(second.stdout).toContain('Nothing has changed');
    expect(refs()).toBe(refsAfterFirst);
  });

  test('what it leaves is in order', () => {
    git('fsck', '--strict', '--no-dangling');
    const files = git('ls-tree', '-r', '--name-only', 'main').trim().split('\n');
    for (const file of files.filter((name) => name.endsWith('.yaml'))) {
      expect(parseAllDocuments(git('show', `main:${file}`)).flatMap((document) => document.errors)).toEqual([]);
    }
  });
});

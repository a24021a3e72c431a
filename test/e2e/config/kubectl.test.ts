import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { ALL_KINDS } from '../../../src/api/kinds.ts';
import { kubectl } from '../../env/cluster/kubectl.ts';
import { type SharedCluster, sharedCluster } from '../../env/cluster/shared.ts';
import { makeNamespace, type TestNamespace } from '../support/cluster.ts';
import { MINIMAL_OBJECTS } from './minimal-objects.ts';
import { REALISTIC_OBJECTS } from './realistic-objects.ts';

/** What fits a terminal beside another one. */
const WIDTH = 120;

let cluster: SharedCluster;
let namespace: TestNamespace;
let cache: string;

/** With a cache of its own: the one of the user knows other clusters by the same ports. */
function run(...args: readonly string[]): Promise<string> {
  return kubectl(cluster.kubeconfig, [`--cache-dir=${cache}`, ...args]);
}

beforeAll(async () => {
  cluster = await sharedCluster();
  cache = await mkdtemp(join(tmpdir(), 'veranda-kubectl-'));
  namespace = await makeNamespace(cluster.kubeconfig, 'kubectl');
  for (const object of REALISTIC_OBJECTS) {
    const { status, ...rest } = object;
    await namespace.apply(rest);
    const text = stringify({ ...object, metadata: { ...object.metadata, namespace: namespace.name } });
    const args = ['apply', '--server-side', '--subresource=status', '--field-manager=status', '-f', '-'];
    await kubectl(cluster.kubeconfig, [`--cache-dir=${cache}`, ...args], text);
  }
}, 120_000);

afterAll(async () => {
  await namespace?.close();
  if (cache) await rm(cache, { recursive: true, force: true });
});

describe('kubectl explain reads like documentation', () => {
  test('pvar.spec.approval: what it is for, each field, and the words it takes', async () => {
    const text = (await run('explain', 'pvar.spec.approval')).replaceAll(/\s+/g, ' ');
    expect(text).toContain('KIND: PackageVariant VERSION: v1alpha1');
    expect(text).toContain('Whether drafts that this object makes are published without a person');
    expect(text).toContain('enum: Manual, Initial, Always, WhenReady');
    expect(text).toContain(
      'WhenReady publishes every rendered revision once all its readiness gates are True; Manual when absent.',
    );
    expect(text).toContain('Time to leave for objections, for example 10m');
  });

  test.each(ALL_KINDS)('$plural: every field says what it is', async ({ plural, apiVersion }) => {
    const text = await run('explain', plural, `--api-version=${apiVersion}`);
    expect(text).not.toContain('<no description>');
    for (const field of ['spec', 'status']) {
      const below = await run('explain', `${plural}.${field}`, `--api-version=${apiVersion}`);
      const undescribed = below.split('\n').filter((line, index, lines) => {
        const next = lines.slice(index + 1).find((other) => !/^ {2}enum:/.test(other));
        return /^ {2}[A-Za-z]+\t</.test(line) && !/^ {4}\S/.test(next ?? '');
      });
      expect(undescribed).toEqual([]);
    }
  });
});

describe('names', () => {
  test.each([
    ['rpkg', 'packagerevision.porch.kpt.dev'],
    ['packagerevs', 'packagerevision.porch.kpt.dev'],
    ['packagerev', 'packagerevision.porch.kpt.dev'],
    ['repo', 'repository.config.porch.kpt.dev'],
    ['pvar', 'packagevariant.config.porch.kpt.dev'],
    ['pvarset', 'packagevariantset.config.porch.kpt.dev'],
    ['fnconfig', 'functionconfig.config.porch.kpt.dev'],
  ])('%s is short for %s', async (short, kind) => {
    const found = (await run('get', short, '-n', namespace.name, '-o', 'name')).split('\n').filter(Boolean);
    expect(found.length).toBeGreaterThan(0);
    expect(found.filter((name) => !name.startsWith(`${kind}/`))).toEqual([]);
  });

  test('no short name is one of Kubernetes or of another of our kinds', async () => {
    const lines = (await run('api-resources', '--no-headers')).split('\n');
    const shorts = lines
      .flatMap((line) => (/^\S+ +([a-z,]+) +\S*v\d/.exec(line)?.[1] ?? '').split(','))
      .filter(Boolean);
    const ours = ['rpkg', 'packagerevs', 'packagerev', 'repo', 'pvar', 'pvarset', 'fnconfig'];
    expect(ours.filter((short) => shorts.filter((other) => other === short).length !== 1)).toEqual([]);
  });

  test('the category veranda lists all kinds', async () => {
    const found = await run('get', 'veranda', '-n', namespace.name, '-o', 'name');
    const kinds = new Set(
      found
        .split('\n')
        .filter(Boolean)
        .map((line) => line.split('.')[0]),
    );
    expect([...kinds].sort()).toEqual(ALL_KINDS.map(({ kind }) => kind.toLowerCase()).sort());
    expect(MINIMAL_OBJECTS).toHaveLength(kinds.size);
  });
});

describe('tables', () => {
  const COLUMNS: { readonly [plural: string]: { readonly shown: string; readonly wide: string } } = {
    // The names in capitals are those that Porch's clients look for; they filter on columns that are not shown, too.
    repositories: {
      shown: 'NAME TYPE DEPLOYMENT READY ADDRESS BRANCH AGE',
      wide: 'NAME TYPE CONTENT SYNC SCHEDULE DEPLOYMENT READY PACKAGES MESSAGE ADDRESS BRANCH AGE',
    },
    packagerevisions: {
      shown: 'NAME PACKAGE REVISION LATEST LIFECYCLE READY AGE',
      wide: 'NAME PACKAGE WORKSPACENAME REVISION LATEST LIFECYCLE REPOSITORY READY MESSAGE AGE',
    },
    packagevariants: {
      shown: 'NAME UPSTREAM DOWNSTREAM REPOSITORY PHASE REVISION READY AGE',
      wide: 'NAME UPSTREAM DOWNSTREAM REPOSITORY PHASE REVISION READY MESSAGE AGE',
    },
    packagevariantsets: {
      shown: 'NAME UPSTREAM DESIRED READYTARGETS FAILED READY AGE',
      wide: 'NAME UPSTREAM DESIRED READYTARGETS FAILED READY MESSAGE AGE',
    },
    functionconfigs: { shown: 'NAME IMAGE READY AGE', wide: 'NAME IMAGE READY MESSAGE AGE' },
  };

  test.each(ALL_KINDS)('$plural fit the terminal', async ({ plural }) => {
    const table = (await run('get', plural, '-n', namespace.name)).trimEnd().split('\n');
    expect(table[0]?.trim().replaceAll(/\s+/g, ' ')).toBe(COLUMNS[plural]?.shown);
    expect(table.length).toBeGreaterThan(1);
    expect(table.filter((line) => line.trimEnd().length > WIDTH)).toEqual([]);

    const [wide = ''] = (await run('get', plural, '-n', namespace.name, '-o', 'wide')).split('\n');
    expect(wide.trim().replaceAll(/\s+/g, ' ')).toBe(COLUMNS[plural]?.wide);
  });

  test('cells are what the columns say', async () => {
    const [line = ''] = (await run('get', 'rpkg', '-n', namespace.name, '--no-headers')).split('\n');
    expect(line.split(/\s+/).slice(0, 6)).toEqual([
      'edge-frankfurt-01.apps.storefront.blueprints-3',
      'apps/storefront',
      '12',
      'true',
      'DeletionProposed',
      'True',
    ]);
  });
});

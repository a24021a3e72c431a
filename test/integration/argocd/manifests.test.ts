import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import {
  ALL_KINDS,
  PACKAGE_VARIANT,
  PACKAGE_VARIANT_SET,
  type PackageVariant,
  type PackageVariantSet,
} from '../../../src/api/kinds.ts';
import type { KubeObject } from '../../../src/api/object.ts';
import { claimedMetadata } from '../../../src/controllers/package-variant/claim.ts';
import { ownedMetadata } from '../../../src/controllers/package-variant-set/ownership.ts';
import { binary } from '../../env/cluster/binaries.ts';

const CONFIG = join(import.meta.dirname, '../../../config/argocd');
const WAVE = 'argocd.argoproj.io/sync-wave';

let kubectl: string;

beforeAll(async () => {
  kubectl = await binary('kubectl');
}, 600_000);

function build(folder: string): readonly KubeObject[] {
  const { status, stdout, stderr } = spawnSync(kubectl, ['kustomize', folder], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return parseAllDocuments(stdout).map((document) => document.toJS() as KubeObject);
}

function waveOf({ metadata }: KubeObject): number {
  return Number(metadata.annotations?.[WAVE] ?? 0);
}

describe('A-03, A-08: the installation for Argo CD', () => {
  test('puts definitions into a wave before namespaces, and those before everything else', () => {
    const objects = build(join(CONFIG, 'install'));
    const waves = Map.groupBy(objects, ({ kind }) => kind);
    const of = (kind: string) => (waves.get(kind) ?? []).map(waveOf);
    expect(of('CustomResourceDefinition')).toEqual(ALL_KINDS.map(() => -2));
    expect(new Set(of('Namespace'))).toEqual(new Set([-1]));
    expect(of('Deployment')).toEqual([0]);
  });
});

describe('the settings of Argo CD', () => {
  test('hold the health check of each kind, and that people move revisions on', () => {
    const [settings] = build(CONFIG) as readonly (KubeObject & { readonly data: Readonly<Record<string, string>> })[];
    const keys = ALL_KINDS.map(({ apiVersion, kind }) => `${apiVersion.split('/')[0]}_${kind}`);
    const ignored = 'resource.customizations.ignoreDifferences.porch.kpt.dev_PackageRevision';
    expect(settings?.metadata).toMatchObject({ name: 'argocd-cm', namespace: 'argocd' });
    expect(Object.keys(settings?.data ?? {}).sort()).toEqual(
      [...keys.map((key) => `resource.customizations.health.${key}`), ignored].sort(),
    );
    expect(parse(settings?.data[ignored] ?? '')).toMatchObject({
      jsonPointers: expect.arrayContaining(['/spec/lifecycle']),
    });
  });
});

describe('what our objects hand on to those that they make', () => {
  const tracked = {
    labels: { 'app.kubernetes.io/instance': 'fleet' },
    annotations: { 'argocd.argoproj.io/tracking-id': 'fleet:x', [WAVE]: '1' },
  };
  const variant: PackageVariant = {
    apiVersion: PACKAGE_VARIANT.apiVersion,
    kind: 'PackageVariant',
    metadata: { name: 'web', namespace: 'default', uid: 'u', ...tracked },
    spec: { upstream: { repo: 'blueprints', package: 'web' }, downstream: { repo: 'packages', package: 'web' } },
  };
  const set: PackageVariantSet = {
    apiVersion: PACKAGE_VARIANT_SET.apiVersion,
    kind: 'PackageVariantSet',
    metadata: { name: 'all', namespace: 'default', uid: 's', ...tracked },
    spec: { upstream: { repo: 'blueprints', package: 'web' }, targets: [] },
  };

  test('A-05, A-10: nothing by which a deployment tool tracks its objects', () => {
    for (const { labels, annotations } of [claimedMetadata(variant, 'packages', 'hash'), ownedMetadata(set, 'web')]) {
      const names = [...Object.keys(labels ?? {}), ...Object.keys(annotations ?? {})];
      const allowed = /^(veranda\.dev|porch\.kpt\.dev|config\.porch\.kpt\.dev)\//;
      expect(names.length).toBeGreaterThan(0);
      expect(names.filter((name) => !allowed.test(name))).toEqual([]);
    }
  });

  // That this ends, although a revision outlives its variant, is shown where a garbage collector is (e2e/variants/ownership).
  test("A-07: a revision blocks the deletion of its own variant, and no other object's", () => {
    const { ownerReferences } = claimedMetadata(variant, 'packages', 'hash');
    expect(ownerReferences).toMatchObject([{ kind: 'PackageVariant', uid: 'u', blockOwnerDeletion: true }]);
    expect((ownedMetadata(set, 'web').ownerReferences ?? []).map(({ uid }) => uid)).toEqual(['s']);
  });
});

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { PackageRevision, Repository } from '../../../src/api/kinds.ts';
import type { KubeObject } from '../../../src/api/object.ts';
import type { ControlPlane } from '../../env/cluster/control-plane.ts';
import { repositoryOfPorchctl, revisionOfPorchctl } from './porchctl-object.ts';
import { type Company, freshName, makeCompany, type Person, refusal, revision, stamped } from './support.ts';

const GIT = { repo: 'https://git.example.com/a/b.git' };
const REFS = { oldUpstream: { name: 'a' }, newUpstream: { name: 'b' }, currentPackage: { name: 'c' } };

/** Sources as people write them, with the empty fields that a client with fixed types adds or leaves out. */
const SOURCES: readonly (readonly [string, object])[] = [
  ['init without fields', { init: {} }],
  ['init with empty ones', { init: { description: '', keywords: [], site: '', subpackage: '' } }],
  [
    'init with all',
    { init: { description: 'A', keywords: ['a', 'b'], site: 'https://example.com', subpackage: 'sub' } },
  ],
  ['a clone by name', { cloneFrom: { upstreamRef: { name: 'blueprints.web.v1' } } }],
  ['a clone by name with an empty type', { cloneFrom: { type: '', upstreamRef: { name: 'blueprints.web.v1' } } }],
  ['a clone by address', { cloneFrom: { git: GIT } }],
  ['a clone by address with empty fields', { cloneFrom: { git: { ...GIT, ref: '', directory: '', secretRef: {} } } }],
  [
    'a clone by address with all',
    { cloneFrom: { type: 'git', git: { ...GIT, ref: 'v1', directory: '/web', secretRef: { name: 's' } } } },
  ],
  ['a copy', { copyFrom: { name: 'shop.web.v0' } }],
  ['an upgrade', { upgrade: REFS }],
  ['an upgrade by the usual strategy', { upgrade: { ...REFS, strategy: 'resource-merge' } }],
  ['an upgrade by another one', { upgrade: { ...REFS, strategy: 'force-delete-replace' } }],
];

/** Clients that read an object, change one field and put it back whole. */
export function porchctl(cluster: () => ControlPlane): void {
  let company: Company;

  beforeAll(async () => {
    company = await makeCompany(cluster());
  }, 120_000);

  afterAll(async () => {
    await company?.close();
  });

  /** GET, PUT of the whole object. */
  async function move(person: Person, name: string, lifecycle: PackageRevision['spec']['lifecycle']) {
    const read = await person.get<PackageRevision>('PackageRevision', name);
    return await person.put(revisionOfPorchctl({ ...read, spec: { ...read.spec, lifecycle } }));
  }

  test.each(SOURCES)('propose, approve, propose-delete and reject what kubectl has made: %s', async (_what, source) => {
    const made = revision(freshName(), {
      source,
      spec: { readinessGates: [], packageMetadata: { labels: {}, annotations: {} } },
    });
    const { metadata } = await company.alice.serverSideApply(made);
    for (const [person, lifecycle] of [
      [company.alice, 'Proposed'],
      [company.alice, 'Draft'],
      [company.alice, 'Proposed'],
      [company.bob, 'Published'],
      [company.alice, 'DeletionProposed'],
      [company.alice, 'Published'],
    ] as const) {
      expect(await move(person, metadata.name, lifecycle)).toMatchObject({ spec: { lifecycle } });
    }
  });

  test('readiness gates and metadata of the package come through as they are', async () => {
    const spec = {
      readinessGates: [{ conditionType: 'tested' }],
      packageMetadata: { labels: { team: 'a' }, annotations: { owner: 'b' } },
    };
    const { metadata } = await company.alice.create(revision(freshName(), { spec }));
    await move(company.alice, metadata.name, 'Proposed');
    expect(await move(company.bob, metadata.name, 'Published')).toMatchObject({ spec });
  });

  test('labels, annotations and the record of who proposed survive (7.6.96)', async () => {
    const labels = { team: 'a' };
    const annotations = { 'veranda.dev/reconcile-at': '1', note: 'b' };
    const name = freshName();
    const plain = revision(name);
    await company.alice.create({ ...plain, metadata: { ...plain.metadata, labels, annotations } });
    await move(company.alice, plain.metadata.name, 'Proposed');
    expect((await move(company.bob, plain.metadata.name, 'Published')).metadata).toMatchObject({
      labels,
      annotations: {
        ...annotations,
        ...stamped(company, { 'veranda.dev/proposed-by': 'alice', 'veranda.dev/approved-by': 'bob' }),
      },
    });
  });

  test.each([
    ['package revisions', 'packagerevisions'],
    ['content of package revisions', 'packagerevisionresources'],
  ])('v1alpha1 of %s is not served, so that nothing goes past the rules', async (_what, plural) => {
    const path = `/apis/porch.kpt.dev/v1alpha1/namespaces/${company.namespace}/${plural}`;
    const body = { metadata: { name: 'shop.web.v1' } };
    for (const call of [
      { method: 'GET', path },
      { method: 'POST', path, body },
      { method: 'PUT', path: `${path}/shop.web.v1`, body },
      { method: 'DELETE', path: `${path}/shop.web.v1` },
    ] as const) {
      expect((await refusal(company.admin.client.json(call))).reason).toBe('NotServed');
    }
  });

  test('who may not approve is told so, and the revision stays proposed', async () => {
    const { metadata } = await company.alice.create(revision(freshName()));
    await move(company.alice, metadata.name, 'Proposed');
    expect(await refusal(move(company.alice, metadata.name, 'Published'))).toMatchObject({ reason: 'Forbidden' });
    expect(await company.alice.get('PackageRevision', metadata.name)).toMatchObject({
      spec: { lifecycle: 'Proposed' },
    });
  });

  test('an object that moved meanwhile is a Conflict, which clients try again', async () => {
    const read = await company.alice.create(revision(freshName()));
    await company.admin.merge('PackageRevision', read.metadata.name, { metadata: { labels: { a: 'b' } } });
    const stale = revisionOfPorchctl({ ...read, spec: { ...read.spec, lifecycle: 'Proposed' } });
    expect(await refusal(company.alice.put(stale))).toMatchObject({ reason: 'Conflict' });
  });

  describe('a status that is sent along', () => {
    test('counts for nothing, when an object is made and when it is put back', async () => {
      const object = { ...revision(freshName()), status: { revision: 7, conditions: [] } };
      const { metadata } = await company.alice.create(object);
      const read = await company.alice.get<PackageRevision>('PackageRevision', metadata.name);
      expect(read.status).toEqual({ observedGeneration: -1 });
      const next = revisionOfPorchctl({ ...read, status: { revision: 7 } });
      expect(await company.alice.put(next)).toMatchObject({ status: { observedGeneration: -1 } });
    });
  });

  test.each([
    ['the smallest one', { git: GIT }],
    ['one of a directory', { type: 'git', git: { ...GIT, branch: 'main', directory: '/web/' } }],
    ['one with a Secret and a schedule', { git: { ...GIT, secretRef: { name: 's' } }, sync: { schedule: '@daily' } }],
  ])('repo sync puts a Repository back: %s', async (_what, spec) => {
    const metadata = { name: freshName() };
    const object: KubeObject & { readonly spec: object } = {
      apiVersion: 'config.porch.kpt.dev/v1alpha1',
      kind: 'Repository',
      metadata,
      spec,
    };
    await company.alice.create(object);
    const read = await company.alice.get<Repository>('Repository', metadata.name);
    const put = await company.alice.put(repositoryOfPorchctl(read, '2026-01-31T12:00:00Z'));
    expect(put).toMatchObject({ spec: { ...spec, sync: { runOnceAt: '2026-01-31T12:00:00Z' } } });
  });
}

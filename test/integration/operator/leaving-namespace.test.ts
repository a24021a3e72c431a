import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { TransientError } from '../../../src/api/errors.ts';
import { PACKAGE_REVISION, PACKAGE_VARIANT } from '../../../src/api/kinds.ts';
import { RECONCILE_AT_ANNOTATION } from '../../../src/api/labels.ts';
import type { KubeObject } from '../../../src/api/object.ts';
import { EmbeddedStore } from '../../../src/kube/adapters/embedded/store.ts';
import type { BareRepository } from '../../env/git/bare-repository.ts';
import { condition, NAMESPACE, OperatorBench } from './support.ts';

let bench: OperatorBench;
let remote: BareRepository;

beforeEach(async () => {
  bench = await OperatorBench.open();
  remote = await bench.repository('git');
  await bench.start();
});

afterEach(async () => {
  await remote.fsck();
  await bench.close();
});

/** As an API server does it: the Namespace stays, marked, while its objects are deleted one after the other. */
async function leave(): Promise<void> {
  const namespace: KubeObject = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: NAMESPACE, finalizers: ['kubernetes'] },
  };
  await bench.operator.apply(namespace);
  await bench.operator.delete(namespace);
}

async function draft(packageName: string): Promise<string> {
  const source = { init: {} };
  const spec = { repository: 'git', packageName, workspaceName: 'v1', lifecycle: 'Draft', source };
  const name = await bench.revision(spec);
  await bench.settle();
  return name;
}

test('revisions that go before their Repository because the namespace does leave git as it is', async () => {
  const [kept, published] = [await draft('kept'), await draft('published')];
  for (const lifecycle of ['Proposed', 'Published', 'DeletionProposed']) await bench.change(published, { lifecycle });
  const before = await remote.refs();
  await leave();
  for (const name of [kept, published]) await bench.operator.delete(bench.get(name));
  await bench.settle();
  expect(bench.operator.find('PackageRevision', NAMESPACE, kept)).toBeUndefined();
  expect(bench.operator.find('PackageRevision', NAMESPACE, published)).toBeUndefined();
  expect(await remote.refs()).toEqual(before);
}, 60_000);

test('7.9.177: while nobody can say whether the namespace stays nothing is deleted; once that is known it is', async () => {
  const name = await draft('app');
  const branch = 'refs/heads/drafts/app/v1';
  const { get } = EmbeddedStore.prototype;
  let asked = 0;
  let away = true;
  const faulty = jest.spyOn(EmbeddedStore.prototype, 'get').mockImplementation(async function (
    this: EmbeddedStore,
    kind,
    ...rest
  ) {
    if (kind.kind !== 'Namespace' || !away) return await get.call(this, kind, ...rest);
    asked++;
    throw new TransientError('ServerError', 'the API server does not answer');
  });
  try {
    await bench.operator.delete(bench.get(name));
    await bench.settle();
    expect(asked).toBeGreaterThan(1);
    expect(condition(bench.get(name), 'Ready')).toMatchObject({ status: 'False', reason: 'ServerError' });
    expect(await remote.refs()).toHaveProperty('size', 2);

    away = false;
    const annotations = { [RECONCILE_AT_ANNOTATION]: 'now' };
    await bench.apply(
      PACKAGE_REVISION.apiVersion,
      'PackageRevision',
      name,
      { ...bench.get(name).spec },
      { annotations },
    );
    await bench.settle();
    expect(bench.operator.find('PackageRevision', NAMESPACE, name)).toBeUndefined();
    expect((await remote.refs()).has(branch)).toBe(false);
  } finally {
    faulty.mockRestore();
  }
}, 60_000);

test('a variant that goes with its namespace proposes nothing for deletion', async () => {
  const upstream = await draft('blueprint');
  for (const lifecycle of ['Proposed', 'Published']) await bench.change(upstream, { lifecycle });
  await bench.apply(PACKAGE_VARIANT.apiVersion, 'PackageVariant', 'copy', {
    upstream: { repo: 'git', package: 'blueprint', revision: 1 },
    downstream: { repo: 'git', package: 'copy' },
    approval: { policy: 'Always' },
  });
  await bench.settle();
  const before = await remote.refs();
  expect([...before.keys()]).toContain('refs/tags/copy/v1');
  await leave();
  await bench.operator.delete(bench.operator.find('PackageVariant', NAMESPACE, 'copy') as KubeObject);
  await bench.settle();
  expect(bench.operator.find('PackageVariant', NAMESPACE, 'copy')).toBeUndefined();
  expect(await remote.refs()).toEqual(before);
}, 60_000);

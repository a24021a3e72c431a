import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { PackageRevision } from '../../../src/api/kinds.ts';
import type { ControlPlane } from '../../env/cluster/control-plane.ts';
import { kubectl, tryKubectl } from '../../env/cluster/kubectl.ts';
import { waitFor } from '../support/wait-for.ts';
import { ALICE, type Company, configMap, freshName, makeCompany, refusal, revision } from './support.ts';

/** What Porch's clients look for. */
const PORCH = "must be proposed for deletion by setting spec.lifecycle to 'DeletionProposed' prior to deletion";
const KIND = 'PackageRevision';

/** What may be deleted, by whom. */
export function deletion(cluster: () => ControlPlane): void {
  let company: Company;

  beforeAll(async () => {
    company = await makeCompany(cluster());
  }, 120_000);

  afterAll(async () => {
    await company?.close();
  });

  /** Name of a revision as the operator found it. */
  async function found(lifecycle: string, metadata: object = {}, status?: object): Promise<string> {
    const object = revision(freshName(), { lifecycle });
    await company.operator.create({ ...object, metadata: { ...object.metadata, ...metadata } });
    if (status) await company.operator.mergeStatus(KIND, object.metadata.name, status);
    return object.metadata.name;
  }

  const isGone = (name: string) => company.admin.isGone(KIND, name);

  test('7.7.107, 7.9.174 a Published revision is not deleted, with the sentence that clients know', async () => {
    const name = await found('Published');
    for (const who of [company.alice, company.bob, company.admin]) {
      const { reason, message } = await refusal(who.delete(KIND, name));
      expect(reason).toBe('Forbidden');
      expect(message).toContain(PORCH);
    }
    const kept = await company.alice.get<PackageRevision>(KIND, name);
    expect(kept.metadata.deletionTimestamp).toBeUndefined();
  });

  test('7.7.107 nor one whose proposed deletion was taken back', async () => {
    const name = await found('Published');
    for (const lifecycle of ['DeletionProposed', 'Published']) {
      await company.alice.merge(KIND, name, { spec: { lifecycle } });
    }
    expect((await refusal(company.alice.delete(KIND, name))).message).toContain(PORCH);
  });

  test('P-05 a proposed deletion deletes nothing', async () => {
    const name = await found('Published');
    await company.alice.merge(KIND, name, { spec: { lifecycle: 'DeletionProposed' } });
    const kept = await company.alice.get<PackageRevision>(KIND, name);
    expect(kept.spec.lifecycle).toBe('DeletionProposed');
    expect(kept.metadata.deletionTimestamp).toBeUndefined();
  });

  test.each(['Draft', 'DeletionProposed'])('7.7.108 a %s revision is deleted', async (lifecycle) => {
    const name = await found(lifecycle);
    await company.alice.delete(KIND, name);
    expect(await isGone(name)).toBe(true);
  });

  test('P-06 a Proposed revision must be rejected first', async () => {
    const name = await found('Proposed');
    const { reason, message } = await refusal(company.alice.delete(KIND, name));
    expect(reason).toBe('Forbidden');
    expect(message).toContain("must be rejected first, by setting spec.lifecycle to 'Draft'");
    await company.alice.merge(KIND, name, { spec: { lifecycle: 'Draft' } });
    await company.alice.delete(KIND, name);
    expect(await isGone(name)).toBe(true);
  });

  test('7.7.115, 7.7.116 a revision that others are made from is not deleted, and the answer names them', async () => {
    const name = await found('DeletionProposed', {}, { referencedBy: ['edge.web.v1', 'edge.web.v2'] });
    const { reason, message } = await refusal(company.bob.delete(KIND, name));
    expect(reason).toBe('Forbidden');
    expect(message).toContain('is the upstream of edge.web.v1, edge.web.v2; delete them first');
    await company.operator.mergeStatus(KIND, name, { referencedBy: null });
    await company.bob.delete(KIND, name);
    expect(await isGone(name)).toBe(true);
  });

  test('one whose tag is gone from git is deleted: there is nothing to protect', async () => {
    const lastTransitionTime = new Date(0).toISOString();
    const condition = {
      type: 'Ready',
      status: 'False',
      reason: 'Vanished',
      message: 'The tag is gone.',
      lastTransitionTime,
    };
    const name = await found('Published', {}, { conditions: [condition], referencedBy: ['edge.web.v1'] });
    await company.alice.delete(KIND, name);
    expect(await isGone(name)).toBe(true);
  });

  test('a deletion that goes on already is not held up', async () => {
    const name = await found('Published', { finalizers: ['example.com/hold'] });
    await company.operator.delete(KIND, name);
    await expect(company.alice.delete(KIND, name)).resolves.toBeDefined();
    await company.alice.merge(KIND, name, { metadata: { finalizers: [] } });
    expect(await isGone(name)).toBe(true);
  });

  test('a dry run says the same', async () => {
    const name = await found('Published');
    expect((await refusal(company.alice.delete(KIND, name, { dryRun: 'All' }))).message).toContain(PORCH);
  });

  describe('P-18 many in one request', () => {
    test('those that may go, go; the others are listed', async () => {
      const [draft, published, leaving] = [
        await found('Draft'),
        await found('Published'),
        await found('DeletionProposed'),
      ];
      const kubeconfig = await company.cluster.kubeconfigFor(ALICE);
      const names = [draft, published, leaving];
      const { code, stdout, stderr } = await tryKubectl(kubeconfig, [
        'delete',
        'rpkg',
        '-n',
        company.namespace,
        ...names,
      ]);
      expect(code).toBe(1);
      expect(stdout).toContain(draft);
      expect(stdout).toContain(leaving);
      expect(stderr).toContain(`"${published}" is forbidden`);
      expect(stderr).toContain(PORCH);
      expect(await Promise.all(names.map(isGone))).toEqual([true, false, true]);
    });

    test('a collection is no way around the rule', async () => {
      const published = await found('Published');
      expect((await refusal(company.admin.deleteAll(KIND))).message).toContain(PORCH);
      expect(await isGone(published)).toBe(false);
    });
  });

  test('the operator deletes whatever git says', async () => {
    for (const lifecycle of ['Draft', 'Proposed', 'Published', 'DeletionProposed']) {
      const name = await found(lifecycle, {}, { referencedBy: ['edge.web.v1'] });
      await company.operator.delete(KIND, name);
      expect(await isGone(name)).toBe(true);
    }
  });

  test('7.7.121 what is owned goes with its owner, whatever its state', async () => {
    const owner = await company.admin.create(configMap(freshName()));
    const { name, uid } = owner.metadata;
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name, uid }];
    const owned = [await found('Draft', { ownerReferences }), await found('Published', { ownerReferences })];
    await company.admin.delete('ConfigMap', name);
    const allGone = async () => (await Promise.all(owned.map(isGone))).every(Boolean);
    await waitFor(allGone, { what: 'garbage collection has deleted both' });
  });

  test('a namespace with revisions in every state goes', async () => {
    const other = await makeCompany(cluster());
    const { namespace } = other;
    for (const lifecycle of ['Draft', 'Proposed', 'Published', 'DeletionProposed']) {
      const { metadata } = await other.operator.create(revision(freshName(), { lifecycle }));
      await other.operator.mergeStatus(KIND, metadata.name, { referencedBy: ['edge.web.v1'] });
    }
    await other.close();
    await kubectl(company.cluster.kubeconfig, ['wait', '--for=delete', `namespace/${namespace}`, '--timeout=50s']);
  }, 90_000);
}

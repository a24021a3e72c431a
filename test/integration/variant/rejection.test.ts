import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { condition } from '../operator/support.ts';
import { KPTFILE, VariantBench } from './support.ts';

const CONTEXT = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: kptfile.kpt.dev\ndata:\n  name: web\n';
const wanting = (region: string) => ({ packageContext: { data: { region } } });

describe('W-24: a draft that a person does not want', () => {
  let place: VariantBench;

  beforeEach(async () => {
    place = await VariantBench.open({ 'package-context.yaml': CONTEXT });
  });
  afterEach(() => place.close());

  const drafts = async () => [...(await place.deployments.refs()).keys()].filter((ref) => ref.includes('drafts/shop/'));

  test('that he deletes is not made again, until the inputs change', async () => {
    await place.variant('shop', wanting('north'));
    const draft = await place.only('shop');
    await place.remove(draft);
    await place.look();

    expect(await drafts()).toEqual([]);
    const { status } = place.get('shop');
    expect(status).toMatchObject({
      phase: 'Rejected',
      rejected: { inputHash: draft.status?.inputHash, revision: draft.metadata.name },
    });
    expect(condition(place.get('shop'), 'Stalled')).toMatchObject({ status: 'True', reason: 'Rejected' });
    expect(condition(place.get('shop'), 'Ready')?.message).toContain('veranda.dev/reconcile-at');

    const { status: after } = await place.variant('shop', wanting('south'));
    expect(after?.rejected).toBeUndefined();
    expect(after?.phase).toBe('Draft');
    expect(await drafts()).toHaveLength(1);
  });

  test('comes back when he asks for it by nothing but the annotation, and not by a change of what is no input', async () => {
    await place.variant('shop', wanting('north'));
    await place.remove(await place.only('shop'));
    await place.variant('shop', { ...wanting('north'), deletionPolicy: 'orphan' });
    expect(place.get('shop').status?.phase).toBe('Rejected');
    expect(await drafts()).toEqual([]);

    const asking = { annotations: { 'veranda.dev/reconcile-at': 'now' } };
    await place.variant('shop', { ...wanting('north'), deletionPolicy: 'orphan' }, asking);
    expect(place.get('shop').status).toMatchObject({ phase: 'Draft', lastHandledReconcileAt: 'now' });
    expect(await drafts()).toHaveLength(1);
  });

  test('that was lost in git is no rejection: it is made again', async () => {
    await place.variant('shop', wanting('north'));
    const [branch = ''] = await drafts();
    await place.deployments.git('update-ref', '-d', branch);
    await place.look();
    expect(await drafts()).toEqual([branch]);
    expect(place.get('shop').status?.rejected).toBeUndefined();
  });

  test('that the variant itself replaces is none either, also when the upstream goes back', async () => {
    await place.variant('shop', wanting('north'));
    const first = await place.only('shop');
    await place.release({ 'package-context.yaml': CONTEXT, 'more.txt': 'more\n' });
    await place.look();
    const second = await place.only('shop');
    expect(second.metadata.name).not.toBe(first.metadata.name);
    await place.release({ 'package-context.yaml': CONTEXT });
    await place.look();
    expect((await place.only('shop')).status?.inputHash).toBe(first.status?.inputHash);
    expect(place.get('shop').status?.phase).toBe('Draft');
  });

  test('that is sent back after it was proposed is not proposed by the policy; who proposes it after all is heard', async () => {
    await place.release({
      Kptfile: `${KPTFILE}info:\n  readinessGates:\n  - conditionType: reviewed\nstatus:\n  conditions:\n  - type: reviewed\n    status: "True"\n`,
      'package-context.yaml': CONTEXT,
    });
    await place.look();
    await place.variant('shop', wanting('north'));
    const { metadata } = await place.only('shop');
    await place.bench.change(metadata.name, { lifecycle: 'Proposed' });
    await place.bench.change(metadata.name, { lifecycle: 'Draft' });
    await place.variant('shop', { ...wanting('north'), approval: { policy: 'Always' } });
    await place.look();

    expect(place.bench.get(metadata.name).status?.observedLifecycle).toBe('Draft');
    expect(place.get('shop').status).toMatchObject({ phase: 'Rejected', rejected: { revision: metadata.name } });
    expect(condition(place.get('shop'), 'PendingApproval')).toMatchObject({ status: 'True', reason: 'Rejected' });

    await place.bench.change(metadata.name, { lifecycle: 'Proposed' });
    expect(place.bench.get(metadata.name).status?.observedLifecycle).toBe('Published');
    expect(place.get('shop').status).toMatchObject({ phase: 'Published' });
    expect(place.get('shop').status?.rejected).toBeUndefined();
  });
});

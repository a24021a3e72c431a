import { describe, expect, test } from '@jest/globals';
import { readKptfile } from '../../../../src/krm/kptfile.ts';
import type { Package } from '../../../../src/package/package.ts';
import { replaceMetadata, upsertMetadata } from '../../../../src/task/mutations/metadata.ts';
import { readRootKptfile } from '../../../../src/task/root-kptfile.ts';
import { apply, applyTwice, packageOf, textOf } from '../support.ts';

const WITH_METADATA = `# who we are
apiVersion: kpt.dev/v1
kind: Kptfile
metadata:
  name: app # short
  labels:
    a: "1" # first
    b: "2"
  annotations:
    config.kubernetes.io/local-config: "true"
info:
  readinessGates:
  - conditionType: config.injection.ConfigMap.net # ours
  - conditionType: old
status:
  conditions:
  - type: changed
    status: "False"
    reason: Why
    message: text
  - type: missing
    status: "True"
  - type: config.injection.ConfigMap.net
    status: "False"
`;
const pkg = packageOf({ Kptfile: WITH_METADATA });

function gatesOf(edited: Package): readonly string[] {
  return readRootKptfile(edited).readinessGates;
}

describe('metadata at creation', () => {
  test('7.1.18: labels, annotations and gates are put beside what is there', async () => {
    const metadata = { labels: { c: '3', a: '9' }, annotations: { x: 'y' }, readinessGates: ['checked'] };
    const kptfile = readRootKptfile(await applyTwice(upsertMetadata(metadata), pkg));
    expect(kptfile.labels).toEqual({ a: '9', b: '2', c: '3' });
    expect(kptfile.annotations).toEqual({ 'config.kubernetes.io/local-config': 'true', x: 'y' });
    expect(kptfile.readinessGates).toContain('checked');
  });

  test('nothing said is nothing changed', async () => {
    expect(await apply(upsertMetadata({}), pkg)).toBe(pkg);
    expect(await apply(upsertMetadata({ labels: {}, annotations: {} }), pkg)).toBe(pkg);
  });
});

describe('metadata of a draft', () => {
  test('7.6.90 and 7.6.92: labels become those of the object; comments survive', async () => {
    const edited = await applyTwice(replaceMetadata({ labels: { a: '9' } }), pkg);
    expect(readRootKptfile(edited).labels).toEqual({ a: '9' });
    expect(textOf(edited, 'Kptfile')).toContain('# who we are\n');
    expect(textOf(edited, 'Kptfile')).toContain('name: app # short\n');
    expect(textOf(edited, 'Kptfile')).toMatch(/ {4}a: "9" # first\n/);
  });

  test('7.6.91: without packageMetadata nothing changes', async () => {
    expect(await apply(replaceMetadata({}), pkg)).toBe(pkg);
  });

  test('no labels is no labels', async () => {
    expect(readRootKptfile(await applyTwice(replaceMetadata({ labels: {} }), pkg)).labels).toEqual({});
  });

  test('7.6.93: the gates are exactly those asked for, beside those of injection points', async () => {
    const first = await applyTwice(replaceMetadata({ readinessGates: ['x'] }), pkg);
    expect(gatesOf(first)).toEqual(['config.injection.ConfigMap.net', 'x']);
    expect(textOf(first, 'Kptfile')).toContain('config.injection.ConfigMap.net # ours\n');
    expect(gatesOf(await applyTwice(replaceMetadata({ readinessGates: [] }), first))).toEqual([
      'config.injection.ConfigMap.net',
    ]);
  });

  test('7.6.93: the last gate takes its empty list with it', async () => {
    const plain = packageOf({ Kptfile: WITH_METADATA.replace(/ {2}- conditionType: config.*\n/, '') });
    const edited = await applyTwice(replaceMetadata({ readinessGates: [] }), plain);
    expect(textOf(edited, 'Kptfile')).not.toContain('info');
  });

  test('7.6.94: conditions are exactly those asked for; empty reasons and messages are left out', async () => {
    const conditions = [
      { type: 'new', status: 'Unknown', reason: '', message: '' },
      { type: 'changed', status: 'True', reason: '', message: 'now' },
    ];
    const edited = await applyTwice(replaceMetadata({ conditions }), pkg);
    const { kptfile } = readKptfile('Kptfile', edited.get('Kptfile')?.bytes ?? new Uint8Array());
    expect(kptfile.raw.status).toEqual({
      conditions: [
        { type: 'changed', status: 'True', message: 'now' },
        { type: 'config.injection.ConfigMap.net', status: 'False' },
        { type: 'new', status: 'Unknown' },
      ],
    });
  });

  test('7.6.95: a status that is none is refused', async () => {
    const conditions = [{ type: 'x', status: 'Maybe' }];
    await expect(apply(replaceMetadata({ conditions }), pkg)).rejects.toMatchObject({ reason: 'InvalidCondition' });
  });

  test('7.6.95: a Kptfile that holds one can still be edited', async () => {
    const odd = packageOf({
      Kptfile: WITH_METADATA.replace('status: "False"\n    reason', 'status: Maybe\n    reason'),
    });
    expect(readRootKptfile(await apply(replaceMetadata({ labels: { z: '1' } }), odd)).labels).toEqual({ z: '1' });
  });
});

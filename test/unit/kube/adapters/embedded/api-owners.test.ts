import { describe, expect, test } from '@jest/globals';
import { managersOf } from '../../../../../src/kube/adapters/embedded/api-owners.ts';
import { EmbeddedStore } from '../../../../../src/kube/adapters/embedded/store.ts';
import { WIDGET, type Widget, widget } from '../../support.ts';

const name = { namespace: 'default', name: 'a' };

/** As a 1.36 API server has it after `kubectl apply --server-side`, a patch and a status by a controller. */
const MANAGED_FIELDS = [
  {
    manager: 'kubectl',
    operation: 'Apply',
    apiVersion: 'test.veranda.dev/v1',
    fieldsType: 'FieldsV1',
    fieldsV1: { 'f:spec': { 'f:size': {}, 'f:labels': { 'f:a': {}, 'f:b': {} }, 'f:list': {} } },
  },
  {
    manager: 'controller',
    operation: 'Update',
    fieldsV1: {
      'f:metadata': {
        'f:finalizers': { '.': {}, 'v:"veranda.dev/x"': {} },
        'f:ownerReferences': { 'k:{"uid":"u-1"}': {} },
      },
      'f:spec': { 'f:targets': { 'k:{"name":"x"}': { 'f:name': {} } } },
    },
  },
  {
    manager: 'controller',
    operation: 'Apply',
    subresource: 'status',
    fieldsV1: {
      'f:status': { 'f:conditions': { 'k:{"type":"Ready"}': { '.': {}, 'f:status': {}, 'f:type': {} } } },
    },
  },
  { manager: 'scaler', operation: 'Update', subresource: 'scale', fieldsV1: { 'f:spec': { 'f:size': {} } } },
];

describe('owners as an API server states them', () => {
  test('are those of the store: fields, items of keyed lists, and other lists as one value', () => {
    expect(managersOf(MANAGED_FIELDS)).toEqual({
      'Apply kubectl': { spec: { size: {}, labels: { a: {}, b: {} }, list: {} } },
      'Update controller': {
        metadata: { finalizers: { 'k:veranda.dev/x': {} }, ownerReferences: { 'k:u-1': {} } },
        spec: { targets: {} },
      },
      'Apply status controller': { status: { conditions: { 'k:Ready': { status: {}, type: {} } } } },
    });
  });

  test('of two versions of the API are one owner', () => {
    const entry = { manager: 'kubectl', operation: 'Apply' };
    const entries = [
      { ...entry, apiVersion: 'a/v1', fieldsV1: { 'f:spec': { 'f:a': {} } } },
      { ...entry, apiVersion: 'a/v2', fieldsV1: { 'f:spec': { 'f:b': {} } } },
    ];
    expect(managersOf(entries)).toEqual({ 'Apply kubectl': { spec: { a: {}, b: {} } } });
  });

  test('count for the next apply: what its manager leaves out goes, what others own stays', async () => {
    const store = new EmbeddedStore({ kinds: [{ kind: WIDGET }] });
    const spec = { size: 1, labels: { a: '1', b: '2', hand: 'x' }, list: [1], targets: [{ name: 'x' }] };
    store.seed(widget('a', { spec }), managersOf(MANAGED_FIELDS));
    await store.apply(widget('a', { spec: { size: 2, labels: { a: '1' } } }), { fieldManager: 'kubectl' });
    expect((await store.get(WIDGET, name))?.spec).toEqual({
      size: 2,
      labels: { a: '1', hand: 'x' },
      targets: [{ name: 'x' }],
    });
  });

  test('count for a status: a condition that its writer leaves out goes', async () => {
    const store = new EmbeddedStore({ kinds: [{ kind: WIDGET }] });
    const conditions = [
      { type: 'Ready', status: 'True' },
      { type: 'Other', status: 'True' },
    ];
    store.seed(widget('a', { status: { conditions } }), managersOf(MANAGED_FIELDS));
    const written = await store.applyStatus<Widget>(widget('a', { status: {} }), { fieldManager: 'controller' });
    expect(written.status).toEqual({ conditions: [{ type: 'Other', status: 'True' }] });
  });
});

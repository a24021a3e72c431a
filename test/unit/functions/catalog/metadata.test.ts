import { describe, expect, test } from '@jest/globals';
import { genPkgContext } from '../../../../src/functions/catalog/gen-pkg-context/function.ts';
import { setAnnotations } from '../../../../src/functions/catalog/set-annotations/function.ts';
import { setLabels } from '../../../../src/functions/catalog/set-labels/function.ts';
import type { KrmMap } from '../../../../src/krm/value.ts';
import { itemsOf, messages, run, values } from './support.ts';

const LABELS = { tier: 'db' };

function spec(apiVersion: string, kind: string, body: KrmMap): string {
  return JSON.stringify({ apiVersion, kind, metadata: { name: 'x' }, spec: body });
}

function labelled(text: string) {
  return run(setLabels, itemsOf(text), LABELS);
}

describe('set-labels', () => {
  test.each<[string, string, KrmMap, KrmMap, number]>([
    ['apps/v1', 'Deployment', { replicas: 1 }, { replicas: 1, selector: { matchLabels: LABELS } }, 2],
    [
      'apps/v1',
      'Deployment',
      { template: {} },
      { selector: { matchLabels: LABELS }, template: { metadata: { labels: LABELS } } },
      3,
    ],
    ['v1', 'Service', {}, { selector: LABELS }, 2],
    ['batch/v1', 'Job', { template: {} }, { template: { metadata: { labels: LABELS } } }, 2],
    [
      'policy/v1',
      'PodDisruptionBudget',
      { selector: { matchLabels: { tier: 'web' } } },
      { selector: { matchLabels: LABELS } },
      2,
    ],
    ['serving.knative.dev/v1', 'Service', {}, {}, 1],
    ['other.io/v1', 'Deployment', {}, {}, 1],
    [
      'batch/v1',
      'CronJob',
      { jobTemplate: { spec: { template: {} } } },
      { jobTemplate: { metadata: { labels: LABELS }, spec: { template: { metadata: { labels: LABELS } } } } },
      3,
    ],
    [
      'networking.k8s.io/v1',
      'NetworkPolicy',
      {
        podSelector: { matchLabels: { a: 'b' } },
        ingress: [{ from: [{ podSelector: { matchLabels: { tier: 'x' } } }] }],
      },
      { podSelector: { matchLabels: { a: 'b' } }, ingress: [{ from: [{ podSelector: { matchLabels: LABELS } }] }] },
      2,
    ],
  ])('H 158, H 159: %s %s with %j', (apiVersion, kind, before, after, count) => {
    const output = labelled(spec(apiVersion, kind, before));
    expect(values(output)[0]).toMatchObject({ metadata: { labels: LABELS } });
    expect(values(output)[0]?.spec).toEqual(after);
    expect(messages(output)).toEqual([`set ${count} labels in total`]);
  });

  test('I-30: affinity terms that choose by the label follow it', () => {
    const term = (tier: string) => ({ labelSelector: { matchLabels: { tier } } });
    const pods = (tier: string) => ({
      spec: {
        affinity: {
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [term(tier)],
            preferredDuringSchedulingIgnoredDuringExecution: [{ podAffinityTerm: term(tier) }],
          },
        },
      },
    });
    const output = labelled(spec('apps/v1', 'Deployment', { template: pods('web') }));
    expect(values(output)[0]?.spec).toMatchObject({ template: pods('db') });
  });

  test('S-08: what has the labels already and local configuration come back as the same objects', () => {
    const items = itemsOf(
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {tier: db}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, annotations: {config.kubernetes.io/local-config: "true"}}\n',
    );
    const { items: after } = run(setLabels, items, LABELS);
    expect(after.map((item, index) => item === items[index])).toEqual([true, true]);
  });

  test('H 157: fails without a configuration', () => {
    const output = run(setLabels, itemsOf(spec('v1', 'Service', {})));
    expect(output.exitCode).toBe(1);
    expect(messages(output)).toEqual(['`FunctionConfig` is not given']);
  });

  test('warns when there are no labels', () => {
    const output = run(setLabels, itemsOf(spec('v1', 'Service', {})), {});
    expect(output.exitCode).toBe(0);
    expect(output.results).toMatchObject([{ severity: 'warning' }]);
  });
});

describe('set-annotations', () => {
  test('annotates resources and templates, with one result a field', () => {
    const text = 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n';
    const output = run(setAnnotations, itemsOf(text), { b: '2', a: '1' });
    const annotations = { a: '1', b: '2' };
    expect(values(output)[0]).toMatchObject({
      metadata: { annotations },
      spec: { template: { metadata: { annotations } } },
    });
    const message = 'set annotations: {"a":"1","b":"2"}';
    const file = { path: 'a.yaml', index: 0 };
    expect(output.results).toEqual([
      { message, field: { path: 'metadata.annotations' }, file },
      { message, field: { path: 'spec.template.metadata.annotations' }, file },
    ]);
  });

  test('takes further fields', () => {
    const config = {
      apiVersion: 'fn.kpt.dev/v1alpha1',
      kind: 'SetAnnotations',
      annotations: { a: '1' },
      additionalAnnotationFields: [{ kind: 'Foo', path: 'data/items[]/annotations', create: true }],
    };
    const items = itemsOf('apiVersion: x.io/v1\nkind: Foo\nmetadata: {name: web}\ndata: {items: [{n: 1}]}\n');
    expect(values(run(setAnnotations, items, config))[0]?.data).toEqual({ items: [{ n: 1, annotations: { a: '1' } }] });
  });

  test.each<[string, KrmMap | undefined, string]>([
    ['none', undefined, '`functionConfig` must be a `ConfigMap` or `SetAnnotations`'],
    ['empty', {}, 'input annotation list cannot be empty'],
    [
      'old and new at once',
      {
        apiVersion: 'fn.kpt.dev/v1alpha1',
        kind: 'SetAnnotations',
        annotations: { a: 'b' },
        fieldSpecs: [],
        additionalAnnotationFields: [],
      },
      '`fieldSpecs` has been deprecated',
    ],
  ])('fails for a configuration that is %s', (_, config, message) => {
    const output = run(setAnnotations, itemsOf('apiVersion: v1\nkind: A\nmetadata: {name: a}\n'), config);
    expect(output.exitCode).toBe(1);
    expect(messages(output)[0]).toContain(message);
  });
});

describe('gen-pkg-context', () => {
  const kptfile = (name: string, packagePath = '') =>
    itemsOf(`apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata: {name: ${name}}\n`, 'Kptfile', packagePath);

  test('gives every package its own context', () => {
    const output = run(genPkgContext, [...kptfile('city'), ...kptfile('park', 'park')]);
    const contexts = output.items.filter((item) => item.path === 'package-context.yaml');
    expect(contexts.map((item) => [item.packagePath, item.value.data])).toEqual([
      ['', { name: 'city' }],
      ['park', { name: 'park' }],
    ]);
    expect(messages(output)).toEqual(['generated package context', 'generated package context']);
  });

  test('a context that is right stays the same object, one elsewhere goes', () => {
    const context =
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: kptfile.kpt.dev\n  annotations:\n    config.kubernetes.io/local-config: "true"\ndata:\n  name: city\n  package-path: a.b\n';
    const right = itemsOf(context, 'package-context.yaml');
    const wrong = itemsOf(context, 'other.yaml');
    const output = run(genPkgContext, [...kptfile('city'), ...right, ...wrong]);
    expect(output.items).toHaveLength(2);
    expect(output.items[1]).toBe(right[0]);
  });
});

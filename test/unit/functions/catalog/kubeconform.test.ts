import { describe, expect, test } from '@jest/globals';
import { kubeconform } from '../../../../src/functions/catalog/kubeconform/function.ts';
import { kubeval } from '../../../../src/functions/catalog/kubeval/function.ts';
import type { BuiltinFunction } from '../../../../src/functions/types.ts';
import type { KrmMap } from '../../../../src/krm/value.ts';
import { itemsOf, run } from './support.ts';

const DEPLOYMENT =
  'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: nginx-deployment\nspec:\n  replicas: invalid\n';
const VALID = `apiVersion: v1
kind: Service
metadata:
  name: s
  creationTimestamp: null
spec:
  ports:
  - port: 80
    targetPort: http
  - port: 81
    targetPort: 8081
`;
const CUSTOM = 'apiVersion: x.test/v1\nkind: Custom\nmetadata:\n  name: c\n';
const DEFINITION = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: customs.x.test
spec:
  group: x.test
  names: {kind: Custom, plural: customs}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [size]
            properties:
              size: {type: string, enum: [small, large]}
              code: {type: string, pattern: '^(a|a?)+$', maxLength: 4}
              count: {type: integer, minimum: 1, maximum: 5, exclusiveMaximum: true}
              either: {x-kubernetes-int-or-string: true}
              free: {type: object, x-kubernetes-preserve-unknown-fields: true}
              tags: {type: array, x-kubernetes-list-type: set, maxItems: 3, items: {type: string}}
              one:
                oneOf:
                - required: [a]
                - required: [b]
                type: object
                properties: {a: {type: string}, b: {type: string}}
`;

function faults(fn: BuiltinFunction, text: string, config?: KrmMap) {
  const { results } = run(fn, itemsOf(text), config);
  return results.map(({ message, field }) => (field === undefined ? message : `${field.path}: ${message}`));
}

describe('kubeconform', () => {
  test('faults name resource, field and file', () => {
    const output = run(kubeconform, itemsOf(DEPLOYMENT), { strict: 'true' });
    const place = {
      resourceRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'nginx-deployment', namespace: undefined },
      file: { path: 'a.yaml', index: 0 },
    };
    expect(output.exitCode).toBe(1);
    expect(output.results).toEqual([
      { severity: 'error', message: "missing properties 'selector', 'template'", field: { path: 'spec' }, ...place },
      { severity: 'error', message: 'got string, want null or integer', field: { path: 'spec.replicas' }, ...place },
    ]);
  });

  test('what is valid passes, in both modes', () => {
    expect(run(kubeconform, itemsOf(VALID))).toMatchObject({ exitCode: 0, results: [] });
    expect(faults(kubeconform, VALID, { strict: '1' })).toEqual([]);
  });

  test('a field that the schema does not name is a fault in strict mode', () => {
    const text =
      'apiVersion: v1\nkind: ReplicationController\nmetadata:\n  name: bob\nspec:\n  replicas: asdf\n  templates: {}\n';
    expect(faults(kubeconform, text)).toEqual(['spec.replicas: got string, want null or integer']);
    expect(faults(kubeconform, text, { strict: 'true' })).toEqual([
      'spec.replicas: got string, want null or integer',
      "spec: additional properties 'templates' not allowed",
    ]);
  });

  test.each([
    ['a number as text', 'v1', 'ConfigMap', 'data:\n  a: 1\n', 'data.a: got number, want null or string'],
    [
      'a boolean for an integer or string',
      'v1',
      'Service',
      'spec:\n  ports:\n  - port: 1\n    targetPort: true\n',
      'spec.ports.0.targetPort: oneOf failed, none matched',
    ],
    ['a missing port', 'v1', 'Service', 'spec:\n  ports:\n  - name: a\n', "spec.ports.0: missing property 'port'"],
    [
      'an integer that is too large',
      'v1',
      'Service',
      'spec:\n  ports:\n  - port: 3000000000\n',
      'spec.ports.0.port: 3000000000 is not valid int32',
    ],
    [
      'a quantity that is none',
      'v1',
      'LimitRange',
      'spec:\n  limits:\n  - type: Pod\n    max:\n      cpu: many\n',
      "spec.limits.0.max.cpu: 'many' is not valid quantity",
    ],
    ['text that is no base64', 'v1', 'Secret', 'data:\n  a: "*"\n', "data.a: '*' is not valid byte"],
    ['a list for a map', 'v1', 'Secret', 'data: []\n', 'data: got array, want null or object'],
  ])('%s', (_, apiVersion, kind, body, expected) => {
    expect(faults(kubeconform, `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata:\n  name: a\n${body}`)).toEqual([
      expected,
    ]);
  });

  test.each(['1', '1.5Gi', '100m', '0.5', '1e3', '2Ei', '.5', '-1'])('%s is a quantity', (quantity) => {
    const text = `apiVersion: v1\nkind: LimitRange\nmetadata:\n  name: a\nspec:\n  limits:\n  - type: Pod\n    max:\n      cpu: "${quantity}"\n`;
    expect(faults(kubeconform, text)).toEqual([]);
  });

  test('H 168: a kind without a schema is an error, unless those are ignored or the kind is skipped', () => {
    const missing =
      'Validating arbitrary CRDs not supported. Consider setting ignore_missing_schemas or skip_kinds in FunctionConfig:\ncould not find schema for Custom';
    expect(faults(kubeconform, CUSTOM)).toEqual([missing]);
    for (const config of [
      { ignore_missing_schemas: 'true' },
      { skip_kinds: 'Other,Custom' },
      { skip_kinds: 'x.test/v1/Custom' },
    ]) {
      expect(run(kubeconform, itemsOf(CUSTOM), config)).toMatchObject({ exitCode: 0, results: [] });
    }
  });

  test('kinds that only tools read need no schema', () => {
    const kptfile = 'apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: p\n';
    const local = `${CUSTOM}  annotations:\n    config.kubernetes.io/local-config: "true"\n`;
    expect(faults(kubeconform, `${kptfile}---\n${local}`)).toEqual([]);
  });

  test.each([
    ['spec: {size: small}', []],
    ['spec: {size: medium}', ["spec.size: value must be one of 'small', 'large'"]],
    ['spec: {}', ["spec: missing property 'size'"]],
    ['spec: {size: small, code: bbb}', ["spec.code: 'bbb' does not match pattern '^(a|a?)+$'"]],
    ['spec: {size: small, code: aaaaa}', ['spec.code: maxLength: got 5, want 4']],
    ['spec: {size: small, count: 0}', ['spec.count: minimum: got 0, want 1']],
    ['spec: {size: small, count: 5}', ['spec.count: exclusiveMaximum: got 5, want 5']],
    ['spec: {size: small, either: 1.5}', ['spec.either: got number, want null or integer or string']],
    ['spec: {size: small, either: x, free: {a: {b: 1}}}', []],
    ['spec: {size: small, tags: [a, b, a]}', ['spec.tags: items at 0 and 2 are equal']],
    ['spec: {size: small, tags: [a, b, c, d]}', ['spec.tags: maxItems: got 4, want 3']],
    ['spec: {size: small, one: {a: x}}', []],
    ['spec: {size: small, one: {a: x, b: x}}', ['spec.one: oneOf failed, subschemas 0, 1 matched']],
    ['spec: {size: small, more: 1}', ["spec: additional properties 'more' not allowed"]],
    ['metadata: {name: c, label: x}', ["metadata: additional properties 'label' not allowed"]],
  ])('the schema of a CustomResourceDefinition in the package: %s', (body, expected) => {
    const head = body.startsWith('metadata') ? 'apiVersion: x.test/v1\nkind: Custom\n' : CUSTOM;
    expect(faults(kubeconform, `${DEFINITION}---\n${head}${body}\n`, { strict: 'true' })).toEqual(expected);
  });

  test('a pattern of a definition that would take other engines for ever', () => {
    const text = `${DEFINITION.replace(', maxLength: 4', '')}---\n${CUSTOM}spec: {size: small, code: ${'a'.repeat(20_000)}b}\n`;
    expect(faults(kubeconform, text)).toHaveLength(1);
  });

  test('a schema that is none says nothing', () => {
    const schema =
      'openAPIV3Schema: {type: [object], properties: {spec: 5, a: {items: 1, required: x, pattern: "("}}, allOf: 3}';
    const definition = DEFINITION.replace(/openAPIV3Schema:.*/s, `${schema}\n`);
    expect(
      faults(kubeconform, `${definition}---\n${CUSTOM}a: x\nspec: 1\n`).filter(
        (fault) => !fault.startsWith('spec.versions'),
      ),
    ).toEqual([]);
  });

  test('places of schemas are passed over, and that is told', () => {
    const output = run(kubeconform, itemsOf(VALID), { schema_location: 'https://schemas.test' });
    expect(output.exitCode).toBe(0);
    expect(output.results).toMatchObject([
      { severity: 'warning', message: expect.stringContaining('`schema_location` is passed over') },
    ]);
  });
});

describe('kubeval', () => {
  test('words the same faults in its own way', () => {
    expect(faults(kubeval, DEPLOYMENT)).toEqual([
      'spec.selector: selector is required',
      'spec.template: template is required',
      'spec.replicas: Invalid type. Expected: [integer,null], given: string',
    ]);
    const text = 'apiVersion: v1\nkind: Service\nmetadata:\n  name: s\nspec:\n  port: 1\n';
    expect(faults(kubeval, text, { strict: 'true' })).toEqual(['spec: Additional property port is not allowed']);
  });

  test('H 168: a kind without a schema', () => {
    expect(run(kubeval, itemsOf(CUSTOM)).exitCode).toBe(1);
    expect(run(kubeval, itemsOf(CUSTOM), { ignore_missing_schemas: 'true' }).exitCode).toBe(0);
  });
});

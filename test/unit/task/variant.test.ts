import { describe, expect, test } from '@jest/globals';
import { inputHash, type VariantInputs, variantMutations, workspaceName } from '../../../src/task/variant.ts';

const inputs: VariantInputs = {
  upstream: { repo: 'blueprints', package: 'app', directory: 'app', tree: 'a'.repeat(40) },
  content: { name: 'pv', packageContext: { data: { a: '1', b: '2' } }, injectors: [{ name: 'x' }] },
  injected: { 'v1|ConfigMap|x': { a: '1' } },
};

describe('a variant', () => {
  test('changes its package in a fixed order', () => {
    const names = variantMutations(inputs.content, async () => []).map(({ name }) => name);
    expect(names).toEqual(['packageContext', 'pipeline', 'injectConfig']);
  });

  test('has a hash over its inputs that does not depend on the order of keys', () => {
    expect(inputHash(inputs)).toMatch(/^v1:[0-9a-f]{16}\.[0-9a-f]{32}$/);
    const reordered = { ...inputs, content: { ...inputs.content, packageContext: { data: { b: '2', a: '1' } } } };
    expect(inputHash(reordered)).toBe(inputHash(inputs));
    expect(inputHash({ injected: inputs.injected, content: inputs.content, upstream: inputs.upstream })).toBe(
      inputHash(inputs),
    );
  });

  test.each<{ what: string; changed: VariantInputs }>([
    { what: 'upstream tree', changed: { ...inputs, upstream: { ...inputs.upstream, tree: 'b'.repeat(40) } } },
    { what: 'upstream package', changed: { ...inputs, upstream: { ...inputs.upstream, package: 'other' } } },
    {
      what: 'package context',
      changed: { ...inputs, content: { ...inputs.content, packageContext: { data: { a: '2' } } } },
    },
    {
      what: 'order of injectors',
      changed: { ...inputs, content: { ...inputs.content, injectors: [{ name: 'y' }, { name: 'x' }] } },
    },
    { what: 'name', changed: { ...inputs, content: { ...inputs.content, name: 'pv2' } } },
    { what: 'injected data', changed: { ...inputs, injected: { 'v1|ConfigMap|x': { a: '2' } } } },
  ])('has another hash and workspace after a change of its $what', ({ changed }) => {
    expect(inputHash(changed)).not.toBe(inputHash(inputs));
    expect(workspaceName(inputHash(changed), 0)).not.toBe(workspaceName(inputHash(inputs), 0));
  });

  test('V-01: always finds the same workspace, a DNS label', () => {
    expect(workspaceName(inputHash(inputs), 0)).toBe(workspaceName(inputHash(structuredClone(inputs)), 0));
    expect(workspaceName(inputHash(inputs), 1)).not.toBe(workspaceName(inputHash(inputs), 0));
    expect(workspaceName(inputHash(inputs), 0)).toMatch(/^packagevariant-[0-9a-f]{10}$/);
  });
});

import { describe, expect, test } from '@jest/globals';
import type { PackageVariantSet } from '../../../../src/api/kinds.ts';
import { validateManifest } from '../../../../src/api/validate.ts';
import { compileSet } from '../../../../src/controllers/package-variant-set/compile.ts';
import { compileText } from '../../../../src/krm/cel/text.ts';
import { setOf, type Targets } from './support.ts';

/** What is wrong with a set, whatever its shape, as a reconcile finds it. */
function faultsOf(spec: object): readonly string[] {
  const set = { ...setOf([]), spec } as PackageVariantSet;
  const { faults, targets } = compileSet(set, compileText);
  return [
    ...faults.map(({ field, message }) => `${field}: ${message}`),
    ...targets.flatMap(({ fault }) => fault?.message.split('; ') ?? []),
  ];
}

const upstream = { repo: 'blueprints', package: 'foo', revision: 1 };
const listed = { repositories: [{ name: 'r1' }] };
const T = 'spec.targets[0]';

describe('a set that is wrong says all that is wrong, by field', () => {
  test.each<readonly [string, object, readonly string[]]>([
    ['16.10.136: an empty spec', {}, ['spec.upstream: is required', 'spec.targets: is required']],
    [
      '16.10.137: an upstream without package, repo and revision, and no target',
      { upstream: {}, targets: [] },
      [
        'spec.upstream: revision or workspaceName must be set',
        'spec.upstream.repo: is required',
        'spec.upstream.package: is required',
        'spec.targets: must not be empty',
      ],
    ],
    [
      '16.10.138: a repository without a name',
      { upstream, targets: [{ repositories: [{ name: '' }] }] },
      [`${T}.repositories[0].name: must not be empty`],
    ],
    [
      '16.10.139: repositories and a selector',
      { upstream, targets: [{ ...listed, repositorySelector: {} }] },
      [`${T}: exactly one of repositories, repositorySelector and objectSelector must be set`],
    ],
    [
      '16.10.140: a package without a name',
      { upstream, targets: [{ repositories: [{ name: 'r1', packageNames: [''] }] }] },
      [`${T}.repositories[0].packageNames[0]: must not be empty`],
    ],
    [
      '16.10.141: a template alone',
      { upstream, targets: [{ template: { downstream: { repo: 'a', repoExpr: 'b' } } }] },
      [
        `${T}: exactly one of repositories, repositorySelector and objectSelector must be set`,
        `${T}.template.downstream: only one of repo and repoExpr may be set`,
      ],
    ],
    [
      '16.10.144: literal and expression for both parts of the downstream',
      {
        upstream,
        targets: [
          { ...listed, template: { downstream: { repo: 'a', repoExpr: 'b', package: 'a', packageExpr: 'b' } } },
        ],
      },
      [
        `${T}.template.downstream: only one of repo and repoExpr may be set`,
        `${T}.template.downstream: only one of package and packageExpr may be set`,
      ],
    ],
    [
      '16.10.148: an empty list of repositories',
      { upstream, targets: [{ repositories: [] }] },
      [`${T}.repositories: must not be empty`],
    ],
    [
      '16.10.149: an object selector without a kind',
      { upstream, targets: [{ objectSelector: {} }] },
      [`${T}.objectSelector.apiVersion: is required`, `${T}.objectSelector.kind: is required`],
    ],
  ])('%s', (_case, spec, expected) => {
    expect(faultsOf(spec)).toEqual(expected);
  });

  test('16.10.142: policies that do not exist', () => {
    const template = { adoptionPolicy: 'invalid', deletionPolicy: 'invalid' };
    const faults = faultsOf({ upstream, targets: [{ ...listed, template }] });
    expect(faults.map((fault) => fault.split(':')[0])).toEqual([
      `${T}.template.adoptionPolicy`,
      `${T}.template.deletionPolicy`,
    ]);
  });

  test('16.10.143: a policy at the place where v1alpha1 had it is an unknown field, which an API server drops', () => {
    const set = { ...setOf([{ repositories: [{ name: 'r1' }] }]) };
    const old = { ...set, spec: { ...set.spec, adoptionPolicy: 'adoptExisting' } };
    expect(validateManifest(set)).toEqual([]);
    expect(validateManifest(old).map(({ field }) => field)).toEqual(['spec.adoptionPolicy']);
  });

  test.each(['labelExprs', 'annotationExprs', 'packageContext.dataExprs', 'pipeline.mutators[0].configMapExprs'])(
    '16.10.145, 16.10.150: entries of %s with too much and with too little',
    (list) => {
      const entries = [{ key: 'a', keyExpr: "'b'", value: 'a' }, { key: 'a', value: 'a', valueExpr: "'b'" }, {}];
      const template = {
        labelExprs: entries,
        annotationExprs: entries,
        packageContext: { dataExprs: entries },
        pipeline: { mutators: [{ image: 'set-labels:v0.1', configMapExprs: entries }] },
      };
      const faults = faultsOf({ upstream, targets: [{ ...listed, template }] });
      expect(faults.filter((fault) => fault.startsWith(`${T}.template.${list}`))).toEqual([
        `${T}.template.${list}[0]: exactly one of key and keyExpr must be set`,
        `${T}.template.${list}[1]: exactly one of value and valueExpr must be set`,
        `${T}.template.${list}[2]: exactly one of key and keyExpr must be set`,
        `${T}.template.${list}[2]: exactly one of value and valueExpr must be set`,
      ]);
    },
  );

  test('16.10.146: an injector with two names, and one with none', () => {
    const injectors = [{ name: 'a', nameExpr: "'b'" }, { kind: 'Cluster' }];
    expect(faultsOf({ upstream, targets: [{ ...listed, template: { injectors } }] })).toEqual([
      `${T}.template.injectors[0]: exactly one of name and nameExpr must be set`,
      `${T}.template.injectors[1]: exactly one of name and nameExpr must be set`,
    ]);
  });

  test('16.10.147: a function without an image, and one with a dot in its name', () => {
    const pipeline = { validators: [{ name: 'check' }], mutators: [{ name: 'foo.bar', image: 'set-labels:v0.1' }] };
    const faults = faultsOf({ upstream, targets: [{ ...listed, template: { pipeline } }] });
    expect(faults.map((fault) => fault.split(':')[0])).toEqual([
      `${T}.template.pipeline.mutators[0].name`,
      `${T}.template.pipeline.validators[0]`,
    ]);
  });

  test.each<readonly [string, NonNullable<Targets[number]['template']>, string, string]>([
    ['is no CEL', { downstream: { packageExpr: 'target.' } }, 'downstream.packageExpr', 'end of input'],
    ['gives a number', { labelExprs: [{ key: 'a', valueExpr: '1 + 1' }] }, 'labelExprs[0].valueExpr', 'not a string'],
    [
      'gives a list',
      { annotationExprs: [{ keyExpr: '[repoDefault]', value: '' }] },
      'annotationExprs[0].keyExpr',
      'not a string',
    ],
    [
      'names what does not exist',
      { injectors: [{ nameExpr: 'cluster.name' }] },
      'injectors[0].nameExpr',
      'no variable cluster',
    ],
    [
      '16.11.165: needs the repository to find it',
      { downstream: { repoExpr: 'repository.name' } },
      'downstream.repoExpr',
      'no variable repository',
    ],
    [
      'is longer than anything people write',
      { packageContext: { removeKeyExprs: [`'${'a'.repeat(4100)}'`] } },
      'packageContext.removeKeyExprs[0]',
      '',
    ],
  ])('16.10.150: an expression that %s', (_case, template, field, words) => {
    const faults = faultsOf({ upstream, targets: [{ ...listed, template }] });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(`${T}.template.${field}`);
    expect(faults[0]).toContain(words);
  });

  test('16.10.150: reserved keys of the context', () => {
    const packageContext = { data: { name: 'a' }, removeKeys: ['package-path'] };
    const reserved = 'the keys name and package-path belong to the service';
    expect(faultsOf({ upstream, targets: [{ ...listed, template: { packageContext } }] })).toEqual([
      `${T}.template.packageContext.data.name: ${reserved}`,
      `${T}.template.packageContext.removeKeys[0]: ${reserved}`,
    ]);
  });

  test('what is wrong with one target is not held against the others', () => {
    const { faults, targets } = compileSet(
      setOf([{ repositories: [{ name: 'r1' }], template: { labelExprs: [{ key: 'a', valueExpr: '(' }] } }, listed]),
      compileText,
    );
    expect(faults).toEqual([]);
    expect(targets.map(({ fault }) => fault?.target)).toEqual([T, undefined]);
  });

  test('a pause after a wave that does not exist is a fault of the set', () => {
    const rollout = { waves: [{ name: 'canary', selector: {} }], pauseAfter: 'cnary' };
    expect(faultsOf({ upstream, targets: [listed], rollout })).toEqual([
      'spec.rollout: pauseAfter must be the name of a wave',
    ]);
  });
});

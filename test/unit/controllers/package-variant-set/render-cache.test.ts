import { describe, expect, test } from '@jest/globals';
import type { KubeObject } from '../../../../src/api/object.ts';
import { compileSet } from '../../../../src/controllers/package-variant-set/compile.ts';
import { RenderCache } from '../../../../src/controllers/package-variant-set/render-cache.ts';
import { unrollTargets } from '../../../../src/controllers/package-variant-set/targets.ts';
import type { Target } from '../../../../src/controllers/package-variant-set/types.ts';
import { compileText } from '../../../../src/krm/cel/text.ts';
import { repositoryOf, revisionOf } from '../support.ts';
import { clusterOf, labelled, setOf } from './support.ts';

const template = { labelExprs: [{ key: 'zone', valueExpr: 'target.labels.zone + repository.labels.tier' }] };
const SET = setOf([{ objectSelector: { apiVersion: 'infra.example.com/v1', kind: 'Cluster' }, template }]);
const NEVER = new AbortController().signal;

/** A cache, and how often an expression was evaluated. */
function counted() {
  let evaluations = 0;
  const compiled = compileSet(SET, (source, variables) => {
    const expression = compileText(source, variables);
    return {
      variables: expression.variables,
      evaluate: (...args) => {
        evaluations++;
        return expression.evaluate(...args);
      },
    };
  });
  const cache = new RenderCache(compiled);
  const targets = (objects: readonly KubeObject[]): readonly Target[] => unrollTargets(SET.spec, () => objects);
  return {
    render: async (
      objects: readonly KubeObject[],
      repositories = [labelled('a', { tier: '1' }), labelled('b', { tier: '1' })],
    ) => {
      evaluations = 0;
      const repository = (name: string) => repositories.find(({ metadata }) => metadata.name === name);
      const surroundings = { upstream: SET.spec.upstream, revision: revisionOf(), repository };
      const results = await cache.render(targets(objects), surroundings, NEVER);
      return {
        zones: results.map((result) => ('spec' in result ? result.spec.labels?.zone : result.reason)),
        evaluations,
      };
    },
  };
}

describe('a target is filled in again', () => {
  const objects = [clusterOf('a', { zone: 'x' }), clusterOf('b', { zone: 'x' })];

  test('not when nothing has changed, nor when only a status has', async () => {
    const { render } = counted();
    expect(await render(objects)).toEqual({ zones: ['x1', 'x1'], evaluations: 2 });
    const touched = objects.map((object) => ({ ...object, status: { phase: 'Running' } }));
    expect(await render(touched)).toEqual({ zones: ['x1', 'x1'], evaluations: 0 });
  });

  test('when its object has changed, and no other target is', async () => {
    const { render } = counted();
    await render(objects);
    expect(await render([clusterOf('a', { zone: 'y' }), ...objects.slice(1)])).toEqual({
      zones: ['y1', 'x1'],
      evaluations: 1,
    });
  });

  test('when its repository has changed, appeared or gone', async () => {
    const { render } = counted();
    await render(objects);
    const [one, two] = [labelled('a', { tier: '2' }), labelled('b', { tier: '1' })];
    expect(await render(objects, [one, two])).toEqual({ zones: ['x2', 'x1'], evaluations: 1 });
    expect(await render(objects, [one])).toEqual({ zones: ['x2', 'RepositoryNotFound'], evaluations: 0 });
    expect(
      (await render(objects, [one, { ...repositoryOf('b'), metadata: { ...two.metadata, labels: { tier: '3' } } }]))
        .zones,
    ).toEqual(['x2', 'x3']);
  });
});

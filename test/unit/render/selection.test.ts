import { describe, expect, test } from '@jest/globals';
import { configMap, kptfile, names, packageOf, render, testFunction, textOf } from './support.ts';

const FILES = {
  'web.yaml': 'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  labels: {app: web}\n',
  'skip.yaml': 'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: skip-me\n',
  'cm.yaml': configMap('cm', '  annotations: {tier: web, zone: b}\n'),
};

async function selected(selection: string): Promise<string[]> {
  const seen: string[] = [];
  const look = testFunction('look', ({ items }) => {
    seen.push(...names(items));
    return {};
  });
  const Kptfile = kptfile('r', `pipeline:\n  mutators:\n  - image: look\n${selection}`);
  const { report } = await render(packageOf({ Kptfile, ...FILES }), [look]);
  expect(report.failure).toBeUndefined();
  return seen;
}

describe('selectors', () => {
  test.each([
    ['nothing given', '', ['r', 'cm', 'skip-me', 'web']],
    ['H 42: one kind', '    selectors: [{kind: Deployment}]\n', ['skip-me', 'web']],
    ['H 43: two that match the same item', '    selectors: [{kind: Deployment}, {name: web}]\n', ['skip-me', 'web']],
    ['H 44: the empty selector', '    selectors: [{}]\n', ['r', 'cm', 'skip-me', 'web']],
    ['H 44: the empty exclusion', '    exclude: [{}]\n', ['r', 'cm', 'skip-me', 'web']],
    ['H 46: a label that an item lacks', '    selectors: [{labels: {app: web}}]\n', ['web']],
    ['R-18: two annotations of which one differs', '    selectors: [{annotations: {tier: web, zone: a}}]\n', []],
    ['R-18: two annotations that are equal', '    selectors: [{annotations: {tier: web, zone: b}}]\n', ['cm']],
    [
      'R-19: a selector with an exclusion',
      '    selectors: [{kind: Deployment}]\n    exclude: [{name: skip-me}]\n',
      ['web'],
    ],
    ['H 45: nothing that matches', '    selectors: [{kind: Nothing}]\n', []],
  ])('%s', async (_, selection, expected) => {
    expect(await selected(selection)).toEqual(expected);
  });

  test('H 42, H 47, H 48: what is not selected stays, what is dropped goes, what is new comes to its default path', async () => {
    const swap = testFunction('swap', () => ({
      items: [{ value: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'made', namespace: 'team' } } }],
    }));
    const Kptfile = kptfile('r', 'pipeline:\n  mutators:\n  - image: swap\n    selectors: [{kind: Deployment}]\n');
    const { package: rendered, report } = await render(packageOf({ Kptfile, ...FILES }), [swap]);
    expect(report.failure).toBeUndefined();
    expect(rendered.paths()).toEqual(['Kptfile', 'cm.yaml', 'team/secret_made.yaml']);
    expect(textOf(rendered, 'cm.yaml')).toBe(FILES['cm.yaml']);
    expect(textOf(rendered, 'team/secret_made.yaml')).toBe(
      'apiVersion: v1\nkind: Secret\nmetadata:\n  name: made\n  namespace: team\n',
    );
  });
});

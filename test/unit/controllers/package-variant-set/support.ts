import { PACKAGE_VARIANT_SET, type PackageVariantSet, type Repository } from '../../../../src/api/kinds.ts';
import type { KubeObject } from '../../../../src/api/object.ts';
import { compileSet } from '../../../../src/controllers/package-variant-set/compile.ts';
import { isFault, renderTarget } from '../../../../src/controllers/package-variant-set/render.ts';
import { unrollTargets } from '../../../../src/controllers/package-variant-set/targets.ts';
import type { DesiredVariant, TargetFault } from '../../../../src/controllers/package-variant-set/types.ts';
import { Meter } from '../../../../src/krm/cel/meter.ts';
import { compileText } from '../../../../src/krm/cel/text.ts';
import { repositoryOf, revisionOf } from '../support.ts';

export type Targets = PackageVariantSet['spec']['targets'];
export type Template = NonNullable<Targets[number]['template']>;

/** `my-pvs` of `blueprints/foo`, revision 1. */
export function setOf(
  targets: Targets,
  spec: Partial<PackageVariantSet['spec']> = {},
  metadata: Partial<PackageVariantSet['metadata']> = {},
): PackageVariantSet {
  return {
    apiVersion: PACKAGE_VARIANT_SET.apiVersion,
    kind: PACKAGE_VARIANT_SET.kind,
    metadata: { name: 'my-pvs', namespace: 'default', uid: 'set-uid', generation: 1, ...metadata },
    spec: { upstream: { repo: 'blueprints', package: 'foo', revision: 1 }, targets, ...spec },
  };
}

export function clusterOf(name: string, labels: Record<string, string> = {}, fields: object = {}): KubeObject {
  return {
    apiVersion: 'infra.example.com/v1',
    kind: 'Cluster',
    metadata: { name, namespace: 'default', labels },
    ...fields,
  };
}

export function labelled(
  name: string,
  labels: Record<string, string>,
  annotations: Record<string, string> = {},
): Repository {
  const repository = repositoryOf(name);
  return { ...repository, metadata: { ...repository.metadata, labels, annotations } };
}

export interface World {
  readonly repositories?: readonly Repository[];
  /** What the target at an index selects. */
  readonly objects?: (index: number) => readonly KubeObject[];
}

export interface Rendered {
  readonly desired: readonly DesiredVariant[];
  readonly faults: readonly TargetFault[];
}

/** Unrolls and fills in all targets of a set, as a reconcile does. */
export function render(set: PackageVariantSet, { repositories = [], objects = () => [] }: World = {}): Rendered {
  const compiled = compileSet(set, compileText);
  const surroundings = {
    upstream: set.spec.upstream,
    revision: revisionOf({ metadata: { labels: { team: 'net' }, annotations: { contact: 'a@example.com' } } }),
    repository: (name: string) => repositories.find(({ metadata }) => metadata.name === name),
    meter: new Meter(1_000_000),
  };
  const wrong = compiled.targets.flatMap(({ fault }) => (fault ? [fault] : []));
  const selectable = (index: number) => (compiled.targets[index]?.fault ? undefined : objects(index));
  const results = unrollTargets(set.spec, selectable).map((target) =>
    renderTarget(target, compiled.targets[target.index]?.template, surroundings),
  );
  return {
    desired: results.filter((result): result is DesiredVariant => !isFault(result)),
    faults: [...wrong, ...results.filter(isFault)],
  };
}

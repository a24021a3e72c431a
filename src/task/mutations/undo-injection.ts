import { TerminalError } from '../../api/errors.ts';
import { INJECTED_RESOURCE_ANNOTATION } from '../../api/labels.ts';
import { deleteIn, getIn, getString, type KrmMap, type KrmValue, setIn } from '../../krm/value.ts';
import type { Package } from '../../package/package.ts';
import { readRootKptfile } from '../root-kptfile.ts';
import type { MutationContext } from '../types.ts';
import { findInjectionPoints, type InjectionPoint } from './injection-points.ts';

const ANNOTATIONS = ['metadata', 'annotations'] as const;
const ANNOTATION = [...ANNOTATIONS, INJECTED_RESOURCE_ANNOTATION] as const;

/** Where a point has its data: `data` of ConfigMaps, `spec` of everything else. */
export function contentField({ apiVersion, kind }: Pick<InjectionPoint, 'apiVersion' | 'kind'>): string {
  return apiVersion === 'v1' && kind === 'ConfigMap' ? 'data' : 'spec';
}

/** Name of the object that a point has its content from, if it was injected. */
export function injectedFrom({ value }: InjectionPoint): string | undefined {
  return getString(value, ANNOTATION);
}

/**
 * The points as the upstream has them, by the types of their conditions: what a package had before anything was injected. None where
 * nobody knows: without a lock, or with one that leads nowhere any more.
 * @throws TransientError when it could not look
 */
export async function upstreamPoints(
  pkg: Package,
  { sources, signal }: MutationContext,
): Promise<ReadonlyMap<string, InjectionPoint>> {
  const { repo, directory = '', ref = '', commit } = readRootKptfile(pkg).upstreamLock?.git ?? {};
  if (!repo || !commit) return new Map();
  try {
    const { content } = await sources.locked({ type: 'git', git: { repo, directory, ref, commit } }, signal);
    return new Map(findInjectionPoints(content).points.map((point) => [point.conditionType, point]));
  } catch (error) {
    if (error instanceof TerminalError) return new Map();
    throw error;
  }
}

/** The point with the content that it has upstream, and the annotation only if it has that there too. */
export function asUpstream({ value }: InjectionPoint, upstream: InjectionPoint): KrmMap {
  const path = [contentField(upstream)];
  const content = withField(value, path, getIn(upstream.value, path));
  const given = withField(content, ANNOTATION, getIn(upstream.value, ANNOTATION));
  return Object.keys(Object(getIn(given, ANNOTATIONS))).length > 0 ? given : deleteIn(given, ANNOTATIONS);
}

function withField(value: KrmMap, path: readonly string[], field: KrmValue | undefined): KrmMap {
  return field === undefined ? deleteIn(value, path) : setIn(value, path, field);
}

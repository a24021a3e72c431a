import { PACKAGE_VARIANT, type PackageVariantSet } from '../../api/kinds.ts';
import { resolveUpstream, type UpstreamResolution, type VariantListers } from '../package-variant/observe.ts';

/**
 * The revision that a set's variants are made from, found as each of them finds it: a workspace is never confused with an
 * unrelated draft, whose revision is 0 as well.
 */
export function upstreamOf({ metadata, spec }: PackageVariantSet, listers: VariantListers): UpstreamResolution {
  const { apiVersion, kind } = PACKAGE_VARIANT;
  const { name, namespace } = metadata;
  const { upstream } = spec;
  const probe = { apiVersion, kind, metadata: { name, namespace }, spec: { upstream, downstream: upstream } };
  return resolveUpstream(probe, listers);
}

/**
 * The upstream as the variants get it. With a rollout the latest revision is named by its number: a new one is a change
 * of the variants then, which goes out wave by wave, and not what each of them follows by itself.
 */
export function pinnedUpstream(
  { spec }: PackageVariantSet,
  resolution: UpstreamResolution,
): { readonly upstream: PackageVariantSet['spec']['upstream']; readonly revision?: number } {
  const { upstream, rollout } = spec;
  const followsLatest = !upstream.workspaceName && (upstream.revision ?? 0) <= 0;
  if (!rollout || !followsLatest || !('revision' in resolution)) return { upstream };
  const revision = resolution.revision.status?.revision;
  return revision === undefined ? { upstream } : { upstream: { ...upstream, revision }, revision };
}

import { createHash } from 'node:crypto';
import type { PackageVariantSpec } from '../../api/generated/package-variant.ts';
import type { VariantTarget, VariantTemplate } from '../../api/generated/package-variant-set.ts';
import type { PackageVariantSet } from '../../api/kinds.ts';

/** A variant that a set asks for. */
export interface DesiredVariant {
  /** Field path of the target it comes from, for messages. */
  readonly target: string;
  readonly spec: PackageVariantSpec;
}

/** A target that cannot be expanded; the other targets go on. */
export interface TargetFault {
  readonly target: string;
  readonly reason: string;
  readonly message: string;
}

export interface Expansion {
  readonly desired: readonly DesiredVariant[];
  readonly faults: readonly TargetFault[];
}

/** All variants that a set's targets stand for, in the order of the targets. Pure. */
export function expandTargets(set: PackageVariantSet): Expansion {
  const desired: DesiredVariant[] = [];
  const faults: TargetFault[] = [];
  const taken = new Map<string, string>();
  set.spec.targets.forEach((target, index) => {
    const path = `spec.targets[${index}]`;
    const fault = unsupported(target, path);
    if (fault) {
      faults.push(fault);
      return;
    }
    for (const variant of expandRepositories(set, target, path)) {
      const { repo, package: pkg } = variant.spec.downstream;
      const first = taken.get(`${repo}\0${pkg}`);
      if (first === undefined) {
        taken.set(`${repo}\0${pkg}`, variant.target);
        desired.push(variant);
      } else {
        faults.push({
          target: variant.target,
          reason: 'DuplicateTarget',
          message: `${repo}/${pkg} is the downstream of ${first} already`,
        });
      }
    }
  });
  return { desired, faults };
}

function expandRepositories(set: PackageVariantSet, target: VariantTarget, path: string): DesiredVariant[] {
  return (target.repositories ?? []).flatMap((repository, index) => {
    const names = repository.packageNames?.length ? repository.packageNames : [set.spec.upstream.package];
    return names.map((name) => ({
      target: `${path}.repositories[${index}]`,
      spec: variantSpec(set, target.template, { repo: repository.name, package: name }),
    }));
  });
}

function variantSpec(
  set: PackageVariantSet,
  template: VariantTemplate | undefined,
  place: { readonly repo: string; readonly package: string },
): PackageVariantSpec {
  const { adoptionPolicy, deletionPolicy, labels, annotations, packageContext, pipeline, injectors, downstream } =
    template ?? {};
  return {
    upstream: set.spec.upstream,
    downstream: { repo: downstream?.repo || place.repo, package: downstream?.package || place.package },
    ...(adoptionPolicy ? { adoptionPolicy } : {}),
    ...(deletionPolicy ? { deletionPolicy } : {}),
    ...(labels ? { labels } : {}),
    ...(annotations ? { annotations } : {}),
    ...(packageContext ? { packageContext: contextSpec(packageContext) } : {}),
    ...(pipeline ? { pipeline: pipeline as PackageVariantSpec['pipeline'] } : {}),
    ...(injectors ? { injectors: injectors as PackageVariantSpec['injectors'] } : {}),
  };
}

function contextSpec({
  data,
  removeKeys,
}: NonNullable<VariantTemplate['packageContext']>): PackageVariantSpec['packageContext'] {
  return {
    ...(data ? { data } : {}),
    ...(removeKeys ? { removeKeys: [...new Set(removeKeys)].sort() } : {}),
  };
}

/** Selectors and expressions are named instead of being passed over in silence. */
function unsupported(target: VariantTarget, path: string): TargetFault | undefined {
  if (!target.repositories) {
    const kind = target.repositorySelector ? 'repositorySelector' : 'objectSelector';
    return {
      target: `${path}.${kind}`,
      reason: 'NotImplemented',
      message: `${kind} is not implemented yet; list the repositories`,
    };
  }
  const expression = findExpression(target.template, `${path}.template`);
  if (!expression) return undefined;
  return {
    target: expression,
    reason: 'NotImplemented',
    message: 'expressions are not implemented yet; use the literal field',
  };
}

/** Path of the first field whose name says that it holds an expression. */
function findExpression(value: unknown, path: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, child] of Object.entries(value)) {
    const at = Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`;
    if (!Array.isArray(value) && /Exprs?$/.test(key)) return at;
    const found = findExpression(child, at);
    if (found) return found;
  }
  return undefined;
}

const MAX_NAME = 63;
const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/**
 * Porch's name of a set's variant: `<set>-<repo>-<package>`, and where that is too long its first 54 characters with 8
 * digits of its SHA-1. Names that are no object names (nested packages) are shortened the same way.
 */
export function variantName(set: string, downstream: { readonly repo: string; readonly package: string }): string {
  const identity = `${set}-${downstream.repo}-${downstream.package}`;
  if (identity.length <= MAX_NAME && DNS_LABEL.test(identity)) return identity;
  return hashedName(identity, identity);
}

/** The name of a variant whose plain name another downstream has: `a` + `b-c` and `a-b` + `c` read alike. */
export function distinctVariantName(
  set: string,
  downstream: { readonly repo: string; readonly package: string },
): string {
  return hashedName(
    `${set}-${downstream.repo}-${downstream.package}`,
    `${set}\0${downstream.repo}\0${downstream.package}`,
  );
}

function hashedName(identity: string, hashed: string): string {
  const suffix = createHash('sha1').update(hashed).digest('hex').slice(0, 8);
  return `${identity
    .toLowerCase()
    .replaceAll(/[^-a-z0-9]/g, '-')
    .slice(0, MAX_NAME - 9)}-${suffix}`;
}

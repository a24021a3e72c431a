import type { PackageVariantSpec } from '../../api/generated/package-variant.ts';
import type { PackageVariant } from '../../api/kinds.ts';
import type { KubeObject } from '../../api/object.ts';

/** One place where a variant is wanted, before its template is filled in. */
export interface Target {
  /** Index in `spec.targets`. */
  readonly index: number;
  /** Field of the set, with the object that it selects, for messages: `spec.targets[0].objectSelector (Cluster edge-1)`. */
  readonly name: string;
  /** Repository and package where the template says nothing else. */
  readonly repoDefault: string;
  readonly packageDefault: string;
  /** The object that was selected; targets that list repositories have none. */
  readonly object?: KubeObject;
}

/** Why a target has no variant; the other targets go on. */
export interface TargetFault {
  readonly target: string;
  readonly reason: string;
  readonly message: string;
  /** The variant that it is about, where one is known. */
  readonly place?: { readonly variant?: string; readonly repo: string; readonly package: string };
  /** It may pass without a change of the set's spec. */
  readonly passes: boolean;
  /** What was thrown, where it is to be tried again. */
  readonly retry?: unknown;
}

/** A variant that a set asks for. */
export interface DesiredVariant {
  /** The name of its target, for messages. */
  readonly target: string;
  readonly spec: PackageVariantSpec;
  /** What waves select by: labels of the selected object, or of the downstream repository. */
  readonly labels: Readonly<Record<string, string>>;
}

export interface PlannedVariant extends DesiredVariant {
  readonly name: string;
  readonly existing?: PackageVariant;
  readonly change: VariantChange;
}

export type VariantChange =
  | 'none'
  | 'create'
  /** The spec says something else. */
  | 'update'
  /** Only labels or the owner are to be repaired. */
  | 'claim'
  /** It is being deleted; when it has gone it is made again. */
  | 'wait';

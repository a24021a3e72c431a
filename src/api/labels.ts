// Names that clients of Porch, Nephio's tools and kpt's functions know.

/** Finalizer of a PackageRevision. */
export const PACKAGE_REVISION_FINALIZER = 'porch.kpt.dev/packagerevisions';
/** Finalizer of a PackageVariant. */
export const PACKAGE_VARIANT_FINALIZER = 'config.porch.kpt.dev/packagevariants';

/** Label of a PackageRevision: name of its Repository. */
export const REPOSITORY_LABEL = 'porch.kpt.dev/repository';
/** Label of a PackageRevision: "true" on the highest published revision of its package, "false" on all others. */
export const LATEST_REVISION_LABEL = 'porch.kpt.dev/latest-revision';
/** The same in Porch's v1alpha1 API; users may not set it. */
export const LEGACY_LATEST_REVISION_LABEL = 'kpt.dev/latest-revision';
/** Label of a PackageVariant: UID of the PackageVariantSet that made it. */
export const PACKAGE_VARIANT_SET_LABEL = 'config.porch.kpt.dev/packagevariantset';

/** Annotation of a PackageRevision: a new value asks for another render of the draft as it is in git now. */
export const RENDER_REQUEST_ANNOTATION = 'porch.kpt.dev/render-request';
/** Annotation of a PackageRevision: with "true" content is kept although its render failed. */
export const PUSH_ON_RENDER_FAILURE_ANNOTATION = 'porch.kpt.dev/push-on-render-failure';

/** Annotation of a PackageRevision (through a variant's spec.annotations): "initial" or "always". */
export const NEPHIO_APPROVAL_POLICY_ANNOTATION = 'approval.nephio.org/policy';
/** Annotation beside it: time to wait before approval, for example "10m". */
export const NEPHIO_APPROVAL_DELAY_ANNOTATION = 'approval.nephio.org/delay';

/** Annotation of a resource in a package: "required" or "optional" makes it an injection point. */
export const CONFIG_INJECTION_ANNOTATION = 'kpt.dev/config-injection';
/** Annotation of a resource in a package: name of the object that was injected into it. */
export const INJECTED_RESOURCE_ANNOTATION = 'kpt.dev/injected-resource';

// Our own.

/** Label of a PackageVariant: name of its PackageVariantSet, shortened if need be; it outlives a restored set's new UID. */
export const SET_NAME_LABEL = 'veranda.dev/package-variant-set';
/** Annotation of a PackageVariantSet: the number of variants, or the token from its status, that may be deleted. */
export const CONFIRM_DELETIONS_ANNOTATION = 'veranda.dev/confirm-deletions';

/** Annotation of a PackageRevision: `namespace/name` of the PackageVariant that asked for it, as its commits say. */
export const VARIANT_ANNOTATION = 'veranda.dev/variant';
/** Annotation of a PackageRevision: names of the labels and annotations that its PackageVariant has set, as JSON. */
export const VARIANT_METADATA_ANNOTATION = 'veranda.dev/variant-metadata';
/** Annotation of a PackageRevision: hash over the inputs that its PackageVariant wants it to be made from. */
export const INPUT_HASH_ANNOTATION = 'veranda.dev/input-hash';
/**
 * Annotation of a PackageRevision (through a variant's spec.annotations): with "true" an upgrade starts from the old
 * upstream that its source names, although the package's lock says that it was made from something else.
 */
export const TRUST_OLD_UPSTREAM_ANNOTATION = 'veranda.dev/trust-old-upstream';
/** Annotations of a PackageRevision that say how its content is made: a new value is a reason to try again what failed. */
export const CONTENT_ANNOTATIONS = [
  INPUT_HASH_ANNOTATION,
  RENDER_REQUEST_ANNOTATION,
  PUSH_ON_RENDER_FAILURE_ANNOTATION,
  TRUST_OLD_UPSTREAM_ANNOTATION,
] as const;
/** Annotation of an object: any new value asks for a look at it now, at what it stands for in git too. */
export const RECONCILE_AT_ANNOTATION = 'veranda.dev/reconcile-at';
/** Annotation of a Repository: name of the Secret whose key `token` a git server proves to know when it asks for a sync. */
export const WEBHOOK_SECRET_ANNOTATION = 'veranda.dev/webhook-secret';
/** Annotation of a Repository: with "true" nothing is ever written to it, and it is in no other Repository's way. */
export const READ_ONLY_ANNOTATION = 'veranda.dev/read-only';
/** Annotation of a PackageRevision: who proposed it, stamped at admission. */
export const PROPOSED_BY_ANNOTATION = 'veranda.dev/proposed-by';
/** Annotation of a PackageRevision: who approved it, stamped at admission. */
export const APPROVED_BY_ANNOTATION = 'veranda.dev/approved-by';
/** Annotation of a PackageRevision: the tree of its package on the branch, changed there by hand, that may be published over. */
export const REPLACE_BRANCH_CONTENT_ANNOTATION = 'veranda.dev/replace-branch-content';
/**
 * Annotation of a resource in a package, or of its Kptfile for all of them: which side wins where an upgrade finds
 * changes on both, "local" or "upstream". "local" also keeps what upstream removed, "upstream" lets it go.
 */
export const MERGE_PREFERENCE_ANNOTATION = 'veranda.dev/merge-preference';

/** Field manager of our server-side apply. */
export const FIELD_MANAGER = 'veranda';

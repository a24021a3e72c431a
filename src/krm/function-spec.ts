/** Selects items of a step; every field given must match, every label and annotation listed must be equal. */
export interface Selector {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly labels?: { readonly [key: string]: string };
  readonly annotations?: { readonly [key: string]: string };
}

/** Names the resource of the same package that is a function's configuration. */
export interface ConfigRef {
  readonly apiVersion?: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

/** A function of a Kptfile pipeline (`pipeline.mutators[]`, `pipeline.validators[]`, kpt.dev/v1). */
export interface FunctionSpec {
  readonly image?: string;
  readonly exec?: string;
  readonly tag?: string;
  readonly name?: string;
  readonly configPath?: string;
  readonly configMap?: { readonly [key: string]: string };
  readonly configRef?: ConfigRef;
  readonly selectors?: readonly Selector[];
  readonly exclude?: readonly Selector[];
  /** CEL expression over `resources`; the step runs only when it is true. */
  readonly when?: string;
}

const HOST =
  '(?:\\[[0-9a-fA-F:]+\\]|[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*)';
const PART = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const IMAGE = new RegExp(
  `^(?:${HOST}(?::[0-9]+)?/)?${PART}(?:/${PART})*(?::\\w[\\w.-]{0,127})?(?:@[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-fA-F]{32,})?$`,
);
const MAX_IMAGE_LENGTH = 512;

/** True for an OCI image reference `name[:tag][@digest]`. */
export function isImageReference(text: string): boolean {
  return text.length <= MAX_IMAGE_LENGTH && IMAGE.test(text);
}

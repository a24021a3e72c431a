/** Selects items of a step; every field given must match, every label and annotation listed must be equal. */
export interface Selector {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly labels?: { readonly [key: string]: string };
  readonly annotations?: { readonly [key: string]: string };
}

/** A function of a Kptfile pipeline (`pipeline.mutators[]`, `pipeline.validators[]`, kpt.dev/v1). */
export interface FunctionSpec {
  readonly image?: string;
  readonly exec?: string;
  readonly tag?: string;
  readonly name?: string;
  readonly configPath?: string;
  readonly configMap?: { readonly [key: string]: string };
  readonly selectors?: readonly Selector[];
  readonly exclude?: readonly Selector[];
}

import { createHash } from 'node:crypto';
import stringify from 'safe-stable-stringify';
import type { KrmValue } from '../krm/value.ts';
import { type InjectionLookup, type Injector, injectConfig } from './mutations/inject-config.ts';
import { packageContext, type VariantPackageContext } from './mutations/package-context.ts';
import { pipeline, type VariantPipeline } from './mutations/pipeline.ts';
import type { Mutation } from './types.ts';

/** The parts of a PackageVariant that shape content. */
export interface VariantContent {
  /** Name of the PackageVariant; it marks what is the variant's own in the package. */
  readonly name: string;
  readonly packageContext?: VariantPackageContext;
  readonly pipeline?: VariantPipeline;
  readonly injectors?: readonly Injector[];
}

/** An upstream package: its place and its tree, not the commit that happens to hold it. */
export interface UpstreamIdentity {
  readonly repo: string;
  readonly package: string;
  readonly directory: string;
  /** Id of the package's tree. */
  readonly tree: string;
}

export interface VariantInputs {
  readonly upstream: UpstreamIdentity;
  readonly content: VariantContent;
  /** Payloads of the objects that may be injected, by any key that tells them apart. */
  readonly injected: { readonly [object: string]: KrmValue };
}

/** Raised when the meaning of an input changes; packages made under another version are compared by a dry run. */
const HASH_VERSION = 'v1';

/**
 * What a variant does to its package, in order. All of them always run, because each also takes back what an earlier
 * spec of the variant asked for.
 */
export function variantMutations(content: VariantContent, lookup: InjectionLookup): readonly Mutation[] {
  return [
    packageContext(content.name, content.packageContext),
    pipeline(content.name, content.pipeline),
    injectConfig(content.injectors ?? [], lookup),
  ];
}

/** `v1:<upstream>.<everything else>`, in two parts so that a moved upstream is told from a changed spec. */
export function inputHash({ upstream, content, injected }: VariantInputs): string {
  return `${HASH_VERSION}:${digest(upstream).slice(0, 16)}.${digest({ content, injected }).slice(0, 32)}`;
}

/**
 * A DNS label that derives from the inputs and from what they are applied to (`base`, the published revision below, 0
 * for none): who tries again finds what the last try made, and going back to earlier inputs meets no old name.
 */
export function workspaceName(hash: string, base: number): string {
  return `packagevariant-${digest({ hash, base }).slice(0, 10)}`;
}

function digest(value: unknown): string {
  return createHash('sha256')
    .update(stringify(value) ?? '')
    .digest('hex');
}

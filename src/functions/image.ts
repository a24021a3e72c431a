import { isImageReference } from '../krm/function-spec.ts';

/** Where functions with a short image name come from. */
export const DEFAULT_IMAGE_PREFIX = 'ghcr.io/kptdev/krm-functions-catalog';

/** An OCI image reference `[<prefix>/]<base>[:<tag>][@<digest>]`. */
export interface ImageReference {
  /** Registry and path in front of the base name, without the slash between; '' for a short name. */
  readonly prefix: string;
  /** Last part of the name, for example `set-labels`. */
  readonly base: string;
  readonly tag?: string;
  /** `sha256:<hex>` */
  readonly digest?: string;
}

/** Takes an image reference apart; undefined when it is none. A colon in front of a slash is a registry's port. */
export function parseImage(text: string): ImageReference | undefined {
  if (!isImageReference(text)) return undefined;
  const [named = '', digest] = text.split('@');
  const slash = named.lastIndexOf('/');
  const [base = '', tag] = named.slice(slash + 1).split(':');
  return { prefix: slash < 0 ? '' : named.slice(0, slash), base, tag, digest };
}

/** `<prefix>/<base>` */
export function imageName({ prefix, base }: ImageReference): string {
  return prefix === '' ? base : `${prefix}/${base}`;
}

import { createHash } from 'node:crypto';

export interface Downstream {
  readonly repo: string;
  readonly package: string;
}

const MAX_NAME = 63;
const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/**
 * Porch's name of a set's variant: `<set>-<repo>-<package>`, and where that is too long its first 54 characters with 8
 * digits of its SHA-1. Names that are no object names (nested packages) are shortened the same way.
 */
export function variantName(set: string, downstream: Downstream): string {
  const identity = `${set}-${downstream.repo}-${downstream.package}`;
  return isLabel(identity) ? identity : hashedName(identity, identity);
}

/** The name of a variant whose plain name another downstream has: `a` + `b-c` and `a-b` + `c` read alike. */
export function distinctVariantName(set: string, downstream: Downstream): string {
  const { repo, package: pkg } = downstream;
  return hashedName(`${set}-${repo}-${pkg}`, `${set}\0${repo}\0${pkg}`);
}

/** The name of a set as the value of a label. */
export function setLabel(set: string): string {
  return isLabel(set) ? set : hashedName(set, set);
}

/** What tells two downstream packages of a namespace apart. */
export function downstreamId({ repo, package: pkg }: Downstream): string {
  return `${repo}\0${pkg}`;
}

function isLabel(name: string): boolean {
  return name.length <= MAX_NAME && DNS_LABEL.test(name);
}

function hashedName(identity: string, hashed: string): string {
  const suffix = createHash('sha1').update(hashed).digest('hex').slice(0, 8);
  const start = identity.toLowerCase().replaceAll(/[^-a-z0-9]/g, '-');
  return `${start.slice(0, MAX_NAME - 9)}-${suffix}`;
}

import { TerminalError } from '../api/errors.ts';
import { type ImageLocation, parseLocation } from './reference.ts';

/** Where the images below a prefix are really fetched. */
export interface MirrorRule {
  /** `host` or `host/path`; the longest one that fits counts. */
  readonly prefix: string;
  /** Takes the place of the prefix, for pulls, pushes and in what comes out. */
  readonly rewrite?: string;
  /** Take the place of the prefix in pulls, one after the other; when none has it, the place itself is asked. */
  readonly mirrors?: readonly string[];
}

interface Place {
  readonly host: string;
  readonly path: string;
}

interface Rule {
  readonly prefix: Place;
  readonly rewrite?: Place;
  readonly mirrors: readonly Place[];
}

/** Applies rewriting and mirrors to image locations. */
export class Mirrors {
  readonly #rules: readonly Rule[];

  /** @throws TerminalError InvalidReference for a rule that names no place */
  constructor(rules: readonly MirrorRule[]) {
    this.#rules = rules
      .map(({ prefix, rewrite, mirrors = [] }) => ({
        prefix: parsePlace(prefix),
        ...(rewrite === undefined ? {} : { rewrite: parsePlace(rewrite) }),
        mirrors: mirrors.map(parsePlace),
      }))
      .sort((a, b) => b.prefix.path.length - a.prefix.path.length);
  }

  /** The location that a name stands for. */
  rewritten(location: ImageLocation): ImageLocation {
    const rule = this.#ruleFor(location);
    return rule?.rewrite === undefined ? location : moved(location, rule.prefix, rule.rewrite);
  }

  /** Where to pull from, in order; the last one is the location itself. */
  sources(location: ImageLocation): readonly ImageLocation[] {
    const rule = this.#ruleFor(location);
    return [...(rule?.mirrors ?? []).map((mirror) => moved(location, rule?.prefix as Place, mirror)), location];
  }

  #ruleFor({ host, repository }: ImageLocation): Rule | undefined {
    return this.#rules.find(
      ({ prefix }) => prefix.host === host && (prefix.path === '' || `${repository}/`.startsWith(`${prefix.path}/`)),
    );
  }
}

function moved(location: ImageLocation, from: Place, to: Place): ImageLocation {
  const rest = from.path === '' ? location.repository : location.repository.slice(from.path.length + 1);
  return { ...location, host: to.host, repository: [to.path, rest].filter((part) => part !== '').join('/') };
}

function parsePlace(text: string): Place {
  const bare = text.replace(/\/+$/, '');
  const path = bare.slice(bare.indexOf('/') + 1);
  if (!/^(?:[^/]*[.:][^/]*|localhost)(?:\/|$)/.test(bare)) {
    throw new TerminalError('InvalidReference', `${JSON.stringify(text)} does not begin with the host of a registry`);
  }
  if (bare.includes('/')) {
    const { host } = parseLocation(`${bare}/x`);
    return { host, path };
  }
  return { host: parseLocation(`${bare}/x`).host, path: '' };
}

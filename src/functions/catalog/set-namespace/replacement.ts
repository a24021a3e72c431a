import type { SetNamespaceConfig } from './config.ts';

/** Replaces namespaces and remembers which. */
export class NamespaceChange {
  readonly target: string;
  readonly #matcher: string | undefined;
  readonly #replaced: string[] = [];

  constructor({ namespace, matcher }: SetNamespaceConfig) {
    this.target = namespace;
    this.#matcher = matcher;
  }

  /** The user said which namespace is to be replaced. */
  get explicit(): boolean {
    return this.#matcher !== undefined;
  }

  /** Whether this namespace is one to replace. */
  applies(namespace: string): boolean {
    return namespace !== this.target && (this.#matcher === undefined || this.#matcher === namespace);
  }

  /** The new namespace; the change is counted. */
  replace(namespace: string): string {
    this.#replaced.push(namespace);
    return this.target;
  }

  get count(): number {
    return this.#replaced.length;
  }

  /** `[a b]`: the namespaces that were replaced, each once, in string order. */
  get replaced(): string {
    return `[${[...new Set(this.#replaced)].sort().join(' ')}]`;
  }
}

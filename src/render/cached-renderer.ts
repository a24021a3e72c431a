import { LRUCache } from 'lru-cache';
import type { Package } from '../package/package.ts';
import type { Renderer, RenderOutcome, RenderStep } from './types.ts';

export interface CachedRendererOptions {
  readonly renderer: Renderer;
  /** Bytes of package content that the remembered outcomes may hold together. Default 64 MiB. */
  readonly maxBytes?: number;
}

const MAX_BYTES = 64 * 1024 * 1024;
/** What a file costs beside its bytes. */
const FILE_OVERHEAD = 200;

/**
 * Remembers what came out for a package with exactly these bytes, so that an unchanged one is not rendered again. Only
 * outcomes of builtin functions, which depend on nothing else, and no failures: one may be due to the moment.
 */
export class CachedRenderer implements Renderer {
  readonly #renderer: Renderer;
  /** Hash of the input -> outcome. */
  readonly #outcomes: LRUCache<string, RenderOutcome>;

  constructor({ renderer, maxBytes = MAX_BYTES }: CachedRendererOptions) {
    this.#renderer = renderer;
    this.#outcomes = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: ({ package: { totalBytes, size } }) => totalBytes + size * FILE_OVERHEAD + 1,
    });
  }

  /** @throws what the renderer throws */
  async render(pkg: Package, options: { readonly signal: AbortSignal }): Promise<RenderOutcome> {
    options.signal.throwIfAborted();
    const known = this.#outcomes.get(pkg.hash());
    if (known) return known;
    const outcome = await this.#renderer.render(pkg, options);
    if (!outcome.report.failure && outcome.report.steps.every(isRepeatable)) this.#outcomes.set(pkg.hash(), outcome);
    return outcome;
  }
}

function isRepeatable({ runtime, skipped }: RenderStep): boolean {
  return skipped === true || runtime === 'builtin';
}

import { abortable } from '../concurrency/abortable.ts';
import { delay, systemClock } from '../kube/clock.ts';
import type { LocalOperator } from './local-operator.ts';
import { fingerprintFiles } from './manifest-files.ts';
import type { ManifestSet } from './manifest-set.ts';

export interface WatchOptions {
  readonly paths: readonly string[];
  readonly manifests: ManifestSet;
  readonly operator: Pick<LocalOperator, 'start' | 'settle'>;
  /** Grows with every change that a report would show. */
  readonly changes: () => number;
  readonly report: () => Promise<unknown>;
  readonly signal: AbortSignal;
}

/** How often the files are looked at. Looking works on every file system, which notifications do not. */
const LOOK_MS = 250;

/**
 * Carries manifests into the store whenever their files change, and reports whenever the work on it is done.
 * @throws the signal's reason; errors of the report
 */
export async function watchManifests(options: WatchOptions): Promise<void> {
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  let seen = await fingerprintFiles(options.paths);
  let loads = 0;
  await options.manifests.load();
  await options.operator.start(signal);

  const follow = async (): Promise<void> => {
    for (;;) {
      seen = await nextChange(options.paths, seen, signal);
      await options.manifests.load();
      loads += 1;
    }
  };
  const reportAll = async (): Promise<void> => {
    let reported = '';
    for (;;) {
      await options.operator.settle(signal);
      const state = `${options.changes()} ${loads}`;
      if (state !== reported) await options.report();
      reported = state;
      await delay(systemClock, LOOK_MS, signal);
    }
  };
  const loops = [follow(), reportAll()];
  try {
    await abortable(Promise.all(loops), signal);
  } finally {
    failed.abort(new Error('the other half of the watch has failed'));
    await Promise.allSettled(loops);
  }
}

/** Waits for a change that has come to rest: who writes a file often empties it first. */
async function nextChange(paths: readonly string[], seen: string, signal: AbortSignal): Promise<string> {
  for (let before = seen; ; ) {
    await delay(systemClock, LOOK_MS, signal);
    const now = await fingerprintFiles(paths);
    if (now !== seen && now === before) return now;
    before = now;
  }
}

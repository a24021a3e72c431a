import type { KubeObject } from '../../../src/api/object.ts';
import type { Clock } from '../../../src/kube/clock.ts';
import type { KindRef } from '../../../src/kube/store.ts';

export interface Widget extends KubeObject {
  readonly spec?: { readonly [key: string]: unknown };
  readonly status?: { readonly [key: string]: unknown };
}

export const WIDGET: KindRef<Widget> = {
  apiVersion: 'test.veranda.dev/v1',
  kind: 'Widget',
  plural: 'widgets',
  namespaced: true,
};

export function widget(
  name: string,
  parts: Partial<Omit<Widget, 'metadata'>> & { readonly metadata?: object } = {},
): Widget {
  const { apiVersion, kind } = WIDGET;
  return { apiVersion, kind, ...parts, metadata: { name, namespace: 'default', ...parts.metadata } };
}

export const never = new AbortController().signal;

/** A clock that stands until it is moved; timers fire in the order in which they are due. */
export class FakeClock implements Clock {
  #now = Date.UTC(2030, 0, 1);
  readonly #timers = new Set<{ readonly dueAt: number; readonly callback: () => void }>();

  get pending(): number {
    return this.#timers.size;
  }

  now(): Date {
    return new Date(this.#now);
  }

  setTimer(milliseconds: number, callback: () => void): () => void {
    const timer = { dueAt: this.#now + Math.max(0, milliseconds), callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const due = [...this.#timers].filter(({ dueAt }) => dueAt <= end).sort((a, b) => a.dueAt - b.dueAt)[0];
      if (!due) break;
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.dueAt);
      due.callback();
    }
    this.#now = end;
  }

  /** Milliseconds until the next timer. */
  get next(): number | undefined {
    const due = [...this.#timers].map(({ dueAt }) => dueAt);
    return due.length === 0 ? undefined : Math.min(...due) - this.#now;
  }
}

/** Lets everything that is under way in this process go on until `condition` holds. */
export async function until(condition: () => boolean, what = 'the condition'): Promise<void> {
  for (let turn = 0; turn < 10_000; turn++) {
    if (condition()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`${what} did not come true: ${condition}`);
}

/** Lets everything that is under way in this process, and needs no timer, come to rest. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
}

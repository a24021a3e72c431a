import { getEventListeners } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { abortable } from '../../../src/concurrency/abortable.ts';

const forever = new Promise<never>(() => {});

describe('abortable', () => {
  test('gives what the promise gives and leaves no listener', async () => {
    const { signal } = new AbortController();
    await expect(abortable(Promise.resolve(1), signal)).resolves.toBe(1);
    await expect(abortable(Promise.reject(new Error('x')), signal)).rejects.toThrow('x');
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('an abort frees the caller, before or while it waits', async () => {
    const controller = new AbortController();
    const waiting = abortable(forever, controller.signal);
    controller.abort('stop');
    await expect(waiting).rejects.toBe('stop');
    await expect(abortable(forever, controller.signal)).rejects.toBe('stop');
  });
});

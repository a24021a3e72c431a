import { getEventListeners } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { abortable, withDeadline } from '../../../src/concurrency/deadline.ts';

const forever = new Promise<never>(() => {});
const FAR = 1_000_000;

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

describe('withDeadline', () => {
  test('gives what the work gives and leaves nothing on the signal', async () => {
    const { signal } = new AbortController();
    const options = { what: 'x', milliseconds: FAR, signal };
    await expect(withDeadline(options, async () => 1)).resolves.toBe(1);
    await expect(withDeadline(options, () => Promise.reject(new Error('y')))).rejects.toThrow('y');
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('fires the signal and frees the caller at the deadline', async () => {
    let seen: AbortSignal | undefined;
    const { signal } = new AbortController();
    const late = withDeadline({ what: 'fetch of x', milliseconds: 1, signal }, (inner) => {
      seen = inner;
      return forever;
    });
    await expect(late).rejects.toMatchObject({
      reason: 'DeadlineExceeded',
      retry: 'backoff',
      message: 'fetch of x took longer than 1 ms',
    });
    expect(seen?.aborted).toBe(true);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('passes an abort on with its own reason', async () => {
    const controller = new AbortController();
    let seen: AbortSignal | undefined;
    const stopped = withDeadline({ what: 'x', milliseconds: FAR, signal: controller.signal }, (inner) => {
      seen = inner;
      return forever;
    });
    controller.abort('stop');
    await expect(stopped).rejects.toBe('stop');
    expect(seen?.reason).toBe('stop');
    await expect(withDeadline({ what: 'x', milliseconds: FAR, signal: controller.signal }, async () => 1)).rejects.toBe(
      'stop',
    );
  });
});

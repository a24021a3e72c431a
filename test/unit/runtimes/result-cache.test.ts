import { describe, expect, test } from '@jest/globals';
import type { FunctionInput, FunctionItem, FunctionRuntime } from '../../../src/functions/types.ts';
import { chainRuntimes } from '../../../src/runtimes/multi.ts';
import { ResultCache } from '../../../src/runtimes/result-cache.ts';

const context = { signal: new AbortController().signal, packagePath: '' };

function counting(identity: string | undefined, exitCode = 0) {
  const state = { runs: 0 };
  const runtime: FunctionRuntime = {
    name: 'counting',
    runner: ({ image = '' }) => ({
      resolved: image,
      runtime: 'counting',
      identity,
      run: async ({ items }) => {
        state.runs += 1;
        const [first, ...others] = items;
        const changed = { ...(first as FunctionItem), value: { ...first?.value, run: 1 } };
        return { items: [changed, ...others], results: [{ message: 'done' }], exitCode };
      },
    }),
  };
  return { state, runtime };
}

function input(name: string): FunctionInput {
  const item = (text: string): FunctionItem => ({
    value: { kind: text },
    path: 'a',
    index: 0,
    packagePath: '',
    text: () => text,
  });
  return { items: [item(name), item('other')], functionConfig: { kind: 'ConfigMap' } };
}

describe('results of functions', () => {
  test('are used again for the same function and the same input', async () => {
    const { state, runtime } = counting('sha256:1');
    const runner = new ResultCache({ maxBytes: 1000 }).wrap(runtime).runner({ image: 'a' });
    const first = await runner?.run(input('a'), context);
    const again = input('a');
    const second = await runner?.run(again, context);
    expect(state.runs).toBe(1);
    expect(second?.results).toEqual(first?.results);
    expect(second?.items[0]).toMatchObject({ value: { kind: 'a', run: 1 } });
    expect(second?.items[1]).toBe(again.items[1]);
  });

  test.each([
    ['another input', 'sha256:1', 0, 'b'],
    ['a function of which it is not known what runs', undefined, 0, 'a'],
    ['a failure', 'sha256:1', 1, 'a'],
  ])('are not used for %s', async (_, identity, exitCode, next) => {
    const { state, runtime } = counting(identity, exitCode);
    const runner = new ResultCache({ maxBytes: 1000 }).wrap(runtime).runner({ image: 'a' });
    await runner?.run(input('a'), context);
    await runner?.run(input(next), context);
    expect(state.runs).toBe(2);
  });

  test('take no more room than they may', async () => {
    const { state, runtime } = counting('sha256:1');
    const runner = new ResultCache({ maxBytes: 300 }).wrap(runtime).runner({ image: 'a' });
    for (const name of ['a', 'b', 'c', 'a']) await runner?.run(input(name), context);
    expect(state.runs).toBe(4);
  });
});

test('the first runtime that knows a function runs it, and what fails there is not tried elsewhere', async () => {
  const none: FunctionRuntime = { name: 'none', runner: () => undefined };
  const [first, second] = [counting('1', 1), counting('2')];
  const chain = chainRuntimes([none, first.runtime, second.runtime]);
  expect(chain.name).toBe('none+counting+counting');
  expect((await chain.runner({ image: 'a' })?.run(input('a'), context))?.exitCode).toBe(1);
  expect([first.state.runs, second.state.runs]).toEqual([1, 0]);
  expect(chainRuntimes([none]).runner({ image: 'a' })).toBeUndefined();
});

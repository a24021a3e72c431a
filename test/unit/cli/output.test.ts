import { describe, expect, test } from '@jest/globals';
import { hasColour, isInteractive, ProgressOutput } from '../../../src/cli/output.ts';
import { Recorder } from './streams.ts';

const ERASE = '\r\u001b[2K';

function streams(isTTY: boolean, env: Record<string, string> = {}) {
  return { env, stdout: new Recorder(isTTY), stderr: new Recorder(isTTY) };
}

describe('what a terminal gets', () => {
  test.each([
    [true, {}, true, true],
    [false, {}, false, false],
    [true, { CI: 'true' }, false, true],
    [true, { NO_COLOR: '1' }, true, false],
    [true, { NO_COLOR: '' }, true, true],
    [true, { TERM: 'dumb' }, false, false],
  ])('terminal %s with %j: rewritten lines %s, colours %s', (isTTY, env: Record<string, string>, rewrites, colours) => {
    expect(isInteractive(streams(isTTY, env))).toBe(rewrites);
    expect(hasColour(streams(isTTY, env))).toBe(colours);
  });
});

describe('progress', () => {
  test('without a terminal there are whole lines only, and the status is not even made', () => {
    const to = streams(false);
    const output = new ProgressOutput(to);
    output.status(() => {
      throw new Error('not called');
    });
    output.detail('one');
    output.clearStatus();
    output.line('two');
    expect(to.stderr.text).toBe('one\ntwo\n');
  });

  test('on a terminal the status stays below the lines, within the width, and can be taken away', () => {
    const to = streams(true);
    const output = new ProgressOutput(to);
    output.status(() => 's'.repeat(100));
    output.detail('needless beside the status');
    output.line('one');
    output.clearStatus();
    output.line('two');
    const status = 's'.repeat(39);
    expect(to.stderr.text).toBe(`${ERASE}${status}${ERASE}one\n${status}${ERASE}two\n`);
  });

  test('the status is not rewritten more often than it can be read', () => {
    const output = new ProgressOutput(streams(true));
    let made = 0;
    for (let index = 0; index < 1000; index += 1) output.status(() => `${++made}`);
    expect(made).toBeLessThan(1000);
  });

  test('a logger writes through it', () => {
    const to = streams(false);
    const stream = new ProgressOutput(to).stream();
    stream.write('a line\n');
    expect(to.stderr.text).toBe('a line\n');
  });
});

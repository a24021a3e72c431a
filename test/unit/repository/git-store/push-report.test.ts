import { describe, expect, test } from '@jest/globals';
import { parseListing } from '../../../../src/repository/git/store/listing.ts';
import { pushOutcomes } from '../../../../src/repository/git/store/push-outcome.ts';
import { parsePushReport, serverWords } from '../../../../src/repository/git/store/push-report.ts';
import { parseRemoteUrl } from '../../../../src/repository/git/store/remote-url.ts';

const A = 'a'.repeat(40);
const B = 'b'.repeat(40);
const remote = parseRemoteUrl('https://git.example.com/x.git');

describe('the report of a push', () => {
  test.each([
    [' \taaa:refs/heads/x\ta..b', { kind: 'settled', outcome: { ok: true } }],
    ['+\taaa:refs/heads/x\ta...b (forced update)', { kind: 'settled', outcome: { ok: true } }],
    ['*\taaa:refs/heads/x\t[new branch]', { kind: 'settled', outcome: { ok: true } }],
    ['-\t:refs/heads/x\t[deleted]', { kind: 'settled', outcome: { ok: true } }],
    ['=\taaa:refs/heads/x\t[up to date]', { kind: 'settled', outcome: { ok: true } }],
    ['!\taaa:refs/heads/x\t[rejected] (atomic push failed)', { kind: 'collateral' }],
    ['!\taaa:refs/heads/x\t[remote rejected] (atomic push failure)', { kind: 'collateral' }],
    ['!\taaa:refs/heads/x\t[remote rejected] (hook declined)', { kind: 'unsettled', words: 'hook declined' }],
    ['!\taaa:refs/heads/x\t[remote rejected] (a (b) c)', { kind: 'unsettled', words: 'a (b) c' }],
    ['!\taaa:refs/heads/x\t[remote failure] (remote failed to report status)', { kind: 'unknown' }],
    ['!\taaa:refs/heads/x\t[no match]', { kind: 'unknown' }],
  ])('%j', (line, report) => {
    expect(parsePushReport(Buffer.from(`To x\n${line}\nDone\n`))).toEqual(new Map([['refs/heads/x', report]]));
  });

  test('a failed lease is stale', () => {
    const report = parsePushReport(Buffer.from('!\taaa:refs/heads/x\t[rejected] (stale info)\n'));
    expect(report.get('refs/heads/x')).toMatchObject({ outcome: { ok: false, stale: true } });
  });

  test('the words of the server are its own lines alone', () => {
    expect(serverWords('remote: one\nTo x\nremote:  \nremote: two  \nerror: failed\n')).toBe('one two');
  });

  test('a ref that git does not report leaves everything unknown', async () => {
    const updates = [
      { ref: 'refs/heads/x', expected: A, target: B },
      { ref: 'refs/heads/y', expected: A, target: B },
    ];
    const stdout = Buffer.from(' \tb:refs/heads/x\ta..b\n');
    const outcome = pushOutcomes(
      updates,
      { exitCode: 1, stdout, stderr: '', failure: 'Other' },
      remote,
      async () => new Map(),
    );
    await expect(outcome).rejects.toMatchObject({ reason: 'PushAnswerLost', retry: 'backoff' });
  });

  test('a server that undoes all without naming a culprit has refused what did not move', async () => {
    const updates = [
      { ref: 'refs/heads/x', expected: A, target: B },
      { ref: 'refs/heads/y', expected: A, target: B },
    ];
    const line = (ref: string) => `!\tb:${ref}\t[remote rejected] (atomic transaction failed)\n`;
    const stdout = Buffer.from(updates.map(({ ref }) => line(ref)).join(''));
    const result = { exitCode: 1, stdout, stderr: '', failure: 'Other' } as const;
    const refused = await pushOutcomes(
      updates,
      result,
      remote,
      async () => new Map(updates.map(({ ref }) => [ref, A])),
    );
    expect([...refused.values()]).toEqual(
      updates.map(() => ({ ok: false, stale: false, message: 'the server refused the push' })),
    );
    const moved = await pushOutcomes(updates, result, remote, async () => new Map([['refs/heads/y', A]]));
    expect(moved.get('refs/heads/x')).toMatchObject({ stale: true });
  });
});

describe('a listing', () => {
  test('peels annotated tags and leaves out what is no ref name', () => {
    const lines = [
      `${A}\tHEAD`,
      `${A}\trefs/heads/main`,
      `${A}\trefs/tags/v1`,
      `${B}\trefs/tags/v1^{}`,
      `${A}\trefs/heads/a..b`,
      'garbage',
      '',
    ];
    expect(parseListing(Buffer.from(lines.join('\n')))).toEqual(
      new Map([
        ['refs/heads/main', A],
        ['refs/tags/v1', B],
      ]),
    );
  });

  test('G-28: a name that is not UTF-8 is left out, the others stay', () => {
    const bad = Buffer.concat([Buffer.from(`${A}\trefs/heads/`), Buffer.from([0xff, 0xfe]), Buffer.from('\n')]);
    const good = Buffer.from(`${B}\trefs/heads/ветка\n`);
    expect(parseListing(Buffer.concat([bad, good]))).toEqual(new Map([['refs/heads/ветка', B]]));
  });

  test('of a SHA-256 repository says that this is not supported', () => {
    expect(() => parseListing(Buffer.from(`${'a'.repeat(64)}\trefs/heads/main\n`))).toThrow(
      expect.objectContaining({ reason: 'UnsupportedObjectFormat' }),
    );
  });
});

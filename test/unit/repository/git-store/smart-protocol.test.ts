import { describe, expect, test } from '@jest/globals';
import { decodePackets, encodePackets } from '../../../../src/repository/git/store/direct/packets.ts';
import {
  encodeListing,
  encodePush,
  listsRefs,
  readListing,
  readPushCapabilities,
  readPushReport,
  readVersion2Capabilities,
  takesPush,
} from '../../../../src/repository/git/store/direct/protocol.ts';

const A = 'a'.repeat(40);
const B = 'b'.repeat(40);
const ZERO = '0'.repeat(40);
const CHANGE = { ref: 'refs/heads/x', expected: A, target: B };
const CREATION = { ref: 'refs/heads/y', expected: null, target: B };
const REMOVAL = { ref: 'refs/heads/z', expected: A, target: null };
const PACK = Buffer.from('PACK…');

function advertised(capabilities: string) {
  const first = `${A} refs/heads/x\0${capabilities}\n`;
  return readPushCapabilities(encodePackets(['# service=git-receive-pack\n', 'flush', first, 'flush']));
}

describe('packets', () => {
  test('come back as they were sent', () => {
    const bytes = encodePackets(['é\n', 'delimiter', '', 'flush']);
    expect(bytes.toString()).toBe('0007é\n000100040000');
    expect(decodePackets(bytes)).toEqual([Buffer.from('é\n'), 'delimiter', Buffer.alloc(0), 'flush']);
  });

  test.each(['<html>', '0003', '0008abc', '000', '-001', '0x05a'])('%j is not packets', (text) => {
    expect(() => decodePackets(Buffer.from(text))).toThrow(RangeError);
  });
});

describe('what a server can do', () => {
  test('a push is for those that report and are atomic, and for removals also remove', () => {
    const able = advertised('report-status delete-refs side-band-64k atomic object-format=sha1 agent=git/2');
    expect(takesPush(able, [CHANGE, REMOVAL])).toBe(true);
    expect(takesPush(advertised('report-status atomic'), [CHANGE])).toBe(true);
    expect(takesPush(advertised('report-status atomic'), [CHANGE, REMOVAL])).toBe(false);
    expect(takesPush(advertised('report-status delete-refs'), [CHANGE])).toBe(false);
    expect(takesPush(advertised('report-status-v2 atomic'), [CHANGE])).toBe(false);
    expect(takesPush(advertised('report-status atomic object-format=sha256'), [CHANGE])).toBe(false);
  });

  test('an advertisement without capabilities is none', () => {
    expect(() => readPushCapabilities(encodePackets(['# service=git-receive-pack\n', 'flush', 'flush']))).toThrow(
      RangeError,
    );
  });

  test('refs are listed by those of version 2 alone', () => {
    const answer = encodePackets(['# service=git-upload-pack\n', 'flush', 'version 2\n', 'ls-refs=unborn\n', 'flush']);
    const capabilities = readVersion2Capabilities(answer) ?? new Map();
    expect(listsRefs(capabilities)).toBe(true);
    expect(readVersion2Capabilities(encodePackets([`${A} HEAD\0multi_ack\n`, 'flush']))).toBeUndefined();
    expect(decodePackets(encodeListing(['refs/heads/x'], capabilities)).map(String)).toEqual([
      'command=ls-refs\n',
      'delimiter',
      'ref-prefix refs/heads/x\n',
      'flush',
    ]);
    expect(readListing(encodePackets([`${A} refs/heads/x\n`, 'flush']))).toEqual(new Map([['refs/heads/x', A]]));
    expect(() => readListing(encodePackets(['ERR not for you\n']))).toThrow(RangeError);
  });
});

describe('a push', () => {
  test('carries what each ref must be, and asks for nothing that the server does not know', () => {
    const bytes = encodePush([CHANGE, CREATION, REMOVAL], PACK, advertised('report-status atomic delete-refs'));
    const commands = decodePackets(bytes.subarray(0, -PACK.length)).map(String);
    expect(bytes.subarray(-PACK.length)).toEqual(PACK);
    expect(commands).toEqual([
      `${A} ${B} refs/heads/x\0 report-status atomic`,
      `${ZERO} ${B} refs/heads/y`,
      `${A} ${ZERO} refs/heads/z`,
      'flush',
    ]);
  });

  test('that only removes has no pack', () => {
    const bytes = encodePush([REMOVAL], PACK, advertised('report-status atomic delete-refs side-band-64k agent=git/2'));
    expect(decodePackets(bytes).map(String)).toEqual([
      `${A} ${ZERO} refs/heads/z\0 report-status atomic side-band-64k agent=veranda`,
      'flush',
    ]);
  });
});

describe('the report of a push over HTTP', () => {
  const plain = advertised('report-status atomic');
  const banded = advertised('report-status atomic side-band-64k');
  const report = ['unpack ok\n', 'ok refs/heads/x\n', 'ng refs/heads/y pre-receive hook declined\n', 'flush'] as const;
  const refs = new Map<string, unknown>([
    ['refs/heads/x', { kind: 'settled', outcome: { ok: true } }],
    ['refs/heads/y', { kind: 'unsettled', words: 'pre-receive hook declined' }],
  ]);

  test('is read with and without bands, the words for people apart', () => {
    expect(readPushReport(encodePackets(report), plain)).toEqual({ refs, words: '' });
    const inner = encodePackets(report).toString();
    const bands = ['\x02no token=\x1b[31mhttps://u:p@host/\n', `\x01${inner.slice(0, 9)}`, '\x02either\n'];
    const answer = encodePackets([...bands, `\x01${inner.slice(9)}`, 'flush']);
    expect(readPushReport(answer, banded)).toEqual({ refs, words: 'no token=https://host/ either' });
  });

  test('is none when the pack was not taken, or the server broke off', () => {
    const failed = ['unpack index-pack abnormal exit\n', 'ng refs/heads/x unpacker error\n', 'flush'] as const;
    expect(readPushReport(encodePackets(failed), plain)).toBeUndefined();
    expect(readPushReport(Buffer.alloc(0), plain)).toBeUndefined();
    expect(readPushReport(encodePackets(['\x03out of disk\n']), banded)).toBeUndefined();
  });
});

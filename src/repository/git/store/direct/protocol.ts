import type { Oid, RefMap, RefUpdate } from '../../types.ts';
import { cleanServerText } from '../failure.ts';
import { type PushReport, type RefReport, remoteRefusal } from '../push-report.ts';
import { isOid } from '../ref-format.ts';
import { decodeLines, decodePackets, encodePackets } from './packets.ts';

const NO_OBJECT = '0'.repeat(40);
const AGENT = 'agent=veranda';

/** What a server says it can do, by name; the empty text for what takes no value. */
export type Capabilities = ReadonlyMap<string, string>;

/**
 * Capabilities of the push side, which stand behind the first ref of the advertisement (gitprotocol-pack).
 * @throws RangeError when it is no advertisement
 */
export function readPushCapabilities(advertisement: Buffer): Capabilities {
  const first = decodeLines(advertisement).find((line) => line.includes('\0'));
  if (first === undefined) throw new RangeError('no line of the advertisement holds capabilities');
  return capabilitiesOf(first.slice(first.indexOf('\0') + 1).split(' '));
}

/**
 * Capabilities of a server that speaks version 2 (gitprotocol-v2); undefined when it does not.
 * @throws RangeError when it is no advertisement
 */
export function readVersion2Capabilities(advertisement: Buffer): Capabilities | undefined {
  const lines = decodeLines(advertisement);
  const version = lines.indexOf('version 2');
  return version < 0 ? undefined : capabilitiesOf(lines.slice(version + 1));
}

function capabilitiesOf(words: readonly string[]): Capabilities {
  return new Map(
    words
      .filter((word) => word !== '')
      .map((word) => {
        const at = word.indexOf('=');
        return at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)];
      }),
  );
}

/** Whether a server takes what `encodePush` makes of the updates. */
export function takesPush(capabilities: Capabilities, updates: readonly RefUpdate[]): boolean {
  const deletes = updates.some(({ target }) => target === null);
  const needed = ['report-status', 'atomic', ...(deletes ? ['delete-refs'] : [])];
  return needed.every((name) => capabilities.has(name)) && usesSha1(capabilities);
}

export function listsRefs(capabilities: Capabilities): boolean {
  return capabilities.has('ls-refs') && usesSha1(capabilities);
}

function usesSha1(capabilities: Capabilities): boolean {
  return (capabilities.get('object-format') ?? 'sha1') === 'sha1';
}

/** One atomic push. Every command carries what its ref must be: the server compares while it holds the ref's lock. */
export function encodePush(updates: readonly RefUpdate[], pack: Buffer, capabilities: Capabilities): Buffer {
  const optional = ['side-band-64k', 'quiet'].filter((name) => capabilities.has(name));
  const words = ['report-status', 'atomic', ...optional, ...(capabilities.has('agent') ? [AGENT] : [])].join(' ');
  const commands = updates.map(({ ref, expected, target }, index) => {
    const command = `${expected ?? NO_OBJECT} ${target ?? NO_OBJECT} ${ref}`;
    return index === 0 ? `${command}\0 ${words}` : command;
  });
  const head = encodePackets([...commands, 'flush']);
  // Removals alone are not followed by a pack.
  return updates.every(({ target }) => target === null) ? head : Buffer.concat([head, pack]);
}

/**
 * The server's report of a push; undefined when it could not take the pack, or broke off.
 * @throws RangeError when that is no report
 */
export function readPushReport(answer: Buffer, capabilities: Capabilities): PushReport | undefined {
  const bands = capabilities.has('side-band-64k') ? readBands(answer) : { report: answer, words: '' };
  const lines = bands === undefined ? [] : decodeLines(bands.report);
  if (bands === undefined || !lines.includes('unpack ok')) return undefined;
  const refs = new Map<string, RefReport>();
  for (const line of lines) {
    const [, verdict, ref, why = ''] = /^(ok|ng) (\S+)(?: (.*))?$/.exec(line) ?? [];
    if (ref === undefined) continue;
    refs.set(ref, verdict === 'ok' ? { kind: 'settled', outcome: { ok: true } } : remoteRefusal(why));
  }
  return { refs, words: bands.words };
}

const REPORT_BAND = 1;
const WORDS_BAND = 2;
const ERROR_BAND = 3;

function readBands(answer: Buffer): { readonly report: Buffer; readonly words: string } | undefined {
  const packets = decodePackets(answer).filter((packet) => typeof packet !== 'string');
  if (packets.some((packet) => packet[0] === ERROR_BAND)) return undefined;
  const band = (number: number) =>
    Buffer.concat(packets.filter((packet) => packet[0] === number).map((packet) => packet.subarray(1)));
  return { report: band(REPORT_BAND), words: cleanServerText(band(WORDS_BAND).toString('utf8')) };
}

/** Asks for refs by the beginnings of their names. */
export function encodeListing(refs: readonly string[], capabilities: Capabilities): Buffer {
  const format = capabilities.has('object-format') ? ['object-format=sha1\n'] : [];
  const prefixes = refs.map((ref) => `ref-prefix ${ref}\n`);
  return encodePackets(['command=ls-refs\n', ...format, 'delimiter', ...prefixes, 'flush']);
}

/** @throws RangeError when it is no answer to a listing */
export function readListing(answer: Buffer): RefMap {
  return new Map(
    decodeLines(answer).map((line): [string, Oid] => {
      const [oid = '', ref = ''] = line.split(' ');
      if (!isOid(oid)) throw new RangeError('a line of the listing names no object');
      return [ref, oid];
    }),
  );
}

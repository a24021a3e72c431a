/** What separates the sections of a message (gitprotocol-common). */
export type Separator = 'flush' | 'delimiter';

export type Packet = Buffer | Separator;

const LENGTH_DIGITS = 4;
const FLUSH = '0000';
const DELIMITER = '0001';

export function encodePacket(text: string): Buffer {
  const content = Buffer.from(text);
  const length = (content.length + LENGTH_DIGITS).toString(16).padStart(LENGTH_DIGITS, '0');
  return Buffer.concat([Buffer.from(length, 'latin1'), content]);
}

export function encodePackets(packets: readonly (string | Separator)[]): Buffer {
  return Buffer.concat(
    packets.map((packet) => {
      if (packet === 'flush') return Buffer.from(FLUSH, 'latin1');
      return packet === 'delimiter' ? Buffer.from(DELIMITER, 'latin1') : encodePacket(packet);
    }),
  );
}

/** @throws RangeError when the bytes are not packets from the first to the last */
export function decodePackets(bytes: Buffer): Packet[] {
  const packets: Packet[] = [];
  for (let at = 0; at < bytes.length; ) {
    const digits = bytes.toString('latin1', at, at + LENGTH_DIGITS);
    if (!/^[0-9a-f]{4}$/i.test(digits)) throw new RangeError('the length of a packet is not a number');
    const length = Number.parseInt(digits, 16);
    if (digits === FLUSH || digits === DELIMITER) {
      packets.push(digits === FLUSH ? 'flush' : 'delimiter');
      at += LENGTH_DIGITS;
      continue;
    }
    if (length < LENGTH_DIGITS || at + length > bytes.length) throw new RangeError('a packet is not whole');
    packets.push(bytes.subarray(at + LENGTH_DIGITS, at + length));
    at += length;
  }
  return packets;
}

/** The packets that hold something, as lines without their ends. */
export function decodeLines(bytes: Buffer): string[] {
  return decodePackets(bytes).flatMap((packet) =>
    typeof packet === 'string' ? [] : [packet.toString('utf8').replace(/\n$/, '')],
  );
}

import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { TerminalError } from '../api/errors.ts';
import { isLoopback } from './reference.ts';

/**
 * Addresses that no registry has but that a hostile name may aim at: link-local (where clouds serve instance metadata),
 * its IPv6 counterparts, multicast and "this host".
 */
const RESERVED: readonly (readonly [net: string, prefix: number, family: 'ipv4' | 'ipv6'])[] = [
  ['169.254.0.0', 16, 'ipv4'],
  ['0.0.0.0', 8, 'ipv4'],
  ['224.0.0.0', 3, 'ipv4'],
  ['100.100.100.200', 32, 'ipv4'],
  ['fe80::', 10, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
  ['::', 128, 'ipv6'],
  ['fd00:ec2::254', 128, 'ipv6'],
];

const LOOPBACK: typeof RESERVED = [
  ['127.0.0.0', 8, 'ipv4'],
  ['::1', 128, 'ipv6'],
];

/** Says which addresses may be called, by number and by what a name leads to. */
export class AddressGuard {
  readonly #denied = new BlockList();
  readonly #loopback: boolean;

  /** @param loopback whether this machine itself may be called */
  constructor(loopback: boolean) {
    this.#loopback = loopback;
    for (const [net, prefix, family] of loopback ? RESERVED : [...RESERVED, ...LOOPBACK]) {
      this.#denied.addSubnet(net, prefix, family);
    }
  }

  /**
   * Checks what a URL says itself; names are checked when they are looked up.
   * @throws TerminalError AddressRefused
   */
  checkUrl(url: URL): void {
    const bare = url.hostname.replace(/^\[|\]$/g, '');
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && this.#loopback && isLoopback(url.hostname))) {
      throw new TerminalError('AddressRefused', `${url.protocol}//${url.host} is refused: only HTTPS is allowed`);
    }
    if (isIP(bare) !== 0 ? this.#isDenied(bare) : isLoopback(url.hostname) && !this.#loopback) throw refused(url.host);
  }

  /** For connections: the look-up of a name that gives no denied address. */
  get lookup(): LookupFunction {
    return (host: string, options: LookupOptions, callback) => {
      lookup(host, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
        const [first] = addresses ?? [];
        if (error !== null || first === undefined) callback(error, '', 0);
        else if (addresses.some(({ address }) => this.#isDenied(address))) callback(refused(host), '', 0);
        else if (options.all === true) callback(null, addresses);
        else callback(null, first.address, first.family);
      });
    };
  }

  #isDenied(address: string): boolean {
    const bare = address.replace(/%.*$/, '');
    return this.#denied.check(bare, isIP(bare) === 6 ? 'ipv6' : 'ipv4');
  }
}

function refused(host: string): TerminalError {
  return new TerminalError('AddressRefused', `${host} is refused: it leads to a reserved address`);
}

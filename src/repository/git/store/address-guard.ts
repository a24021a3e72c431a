import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { TerminalError, TransientError } from '../../../api/errors.ts';
import type { RemoteUrl } from './remote-url.ts';

/** All addresses of a host name. */
export type ResolveHost = (host: string) => Promise<readonly LookupAddress[]>;

export const resolveHost: ResolveHost = (host) => lookup(host, { all: true, verbatim: true });

/**
 * Addresses that no git server has but that a hostile URL may aim at: link-local (where clouds serve instance
 * metadata), its IPv6 counterparts, and "this host".
 */
const DENIED = new BlockList();
DENIED.addSubnet('169.254.0.0', 16, 'ipv4');
DENIED.addSubnet('0.0.0.0', 8, 'ipv4');
DENIED.addSubnet('224.0.0.0', 3, 'ipv4');
DENIED.addAddress('100.100.100.200', 'ipv4');
DENIED.addSubnet('fe80::', 10, 'ipv6');
DENIED.addSubnet('ff00::', 8, 'ipv6');
DENIED.addAddress('::', 'ipv6');
DENIED.addAddress('fd00:ec2::254', 'ipv6');

/**
 * Refuses remotes whose name or number leads to a denied address.
 * @param resolve absent where a proxy looks the name up
 * @returns what the name leads to; undefined when there is no name to be looked up
 * @throws TerminalError InvalidURL for a denied address; TransientError Unreachable when the name has no address
 */
export async function guardAddress(
  remote: RemoteUrl,
  resolve: ResolveHost | undefined,
): Promise<readonly LookupAddress[] | undefined> {
  const { host } = remote;
  if (host === undefined) return undefined;
  if (isIP(host) !== 0) {
    refuseDenied(host, remote);
    return undefined;
  }
  if (resolve === undefined) return undefined;
  const addresses = await addressesOf(host, remote, resolve);
  for (const { address } of addresses) refuseDenied(address, remote);
  return addresses;
}

/** `host:port:address[,address]` for curl, so that the name is not looked up again behind the check. */
export function pinForCurl({ host, port }: RemoteUrl, addresses: readonly LookupAddress[]): string {
  const shown = addresses.map(({ address }) => (isIP(address) === 6 ? `[${address}]` : address));
  return `${host}:${port}:${shown.join(',')}`;
}

/** For connections of Node.js, with the same end. */
export function pinForNode(addresses: readonly LookupAddress[]): LookupFunction {
  return (host, options, callback) => {
    const [first] = addresses;
    if (first === undefined) callback(new Error(`${host} has no address`), '', 0);
    else if (options.all === true) callback(null, [...addresses]);
    else callback(null, first.address, first.family);
  };
}

async function addressesOf(host: string, remote: RemoteUrl, resolve: ResolveHost): Promise<readonly LookupAddress[]> {
  try {
    return await resolve(host);
  } catch (cause) {
    throw new TransientError('Unreachable', `the host of ${remote.display} has no address`, { cause });
  }
}

function refuseDenied(address: string, remote: RemoteUrl): void {
  const bare = address.replace(/%.*$/, '');
  if (DENIED.check(bare, isIP(bare) === 6 ? 'ipv6' : 'ipv4')) {
    throw new TerminalError('InvalidURL', `${remote.display} leads to a link-local or reserved address`);
  }
}

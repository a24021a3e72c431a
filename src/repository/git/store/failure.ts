import { TerminalError, TransientError, type VerandaError } from '../../../api/errors.ts';
import type { RemoteUrl } from './remote-url.ts';

/**
 * Why a git call to a remote failed. `HostileContent`: the remote has an object that git's checks refuse, such as a tree with
 * an entry `..`. `Other`: nothing known; the local mirror itself may be at fault.
 */
export type FailureReason =
  | 'HostileContent'
  | 'HostKeyMismatch'
  | 'TLSVerify'
  | 'AuthFailed'
  | 'Redirected'
  | 'NotFound'
  | 'AtomicPushUnsupported'
  | 'ObjectMissing'
  | 'ServerError'
  | 'Unreachable'
  | 'Other';

/**
 * Git ends with 128 for nearly everything, so its own words are all there is to tell causes apart. They are stable
 * under LC_ALL=C, and this table is the only place that reads them. The first match counts: ssh adds "could not read"
 * to every failure, and a refused certificate is also a failed connection.
 */
const MARKERS: readonly (readonly [FailureReason, RegExp])[] = [
  ['HostileContent', /^fatal: fsck error in pack/m],
  ['HostKeyMismatch', /Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED/],
  [
    'TLSVerify',
    /SSL certificate problem|certificate verif|certificate subject|no alternative certificate|error setting certificate|self.signed certificate|SSL_ERROR|gnutls_handshake|SSL_connect|SSL: /i,
  ],
  [
    'AuthFailed',
    /Authentication failed for|could not read (?:Username|Password) for|returned error: 40[137]\b|HTTP code 407|response 407|Permission denied \(/,
  ],
  ['Redirected', /returned error: 30[12378]\b|unable to update url base from redirection/],
  ['NotFound', /returned error: 404\b|repository '[^']*' not found|does not appear to be a git repository/],
  ['AtomicPushUnsupported', /does not support --atomic push/],
  ['ObjectMissing', /not our ref|unadvertised object|couldn't find remote ref/],
  ['ServerError', /returned error: (?:429|5\d\d)\b|HTTP (?:429|5\d\d)\b/],
  [
    'Unreachable',
    /Could not resolve|Failed to connect|Could not connect|Couldn't connect|Connection (?:refused|reset|closed|timed out)|Operation (?:timed out|too slow)|Network is unreachable|No route to host|Empty reply|hung up unexpectedly|early EOF|unable to access|Proxy CONNECT aborted|unexpected disconnect/i,
  ],
];

export function classifyFailure(stderr: string): FailureReason {
  const own = stderr
    .split('\n')
    .filter((line) => !line.startsWith('remote: '))
    .join('\n');
  return MARKERS.find(([, marker]) => marker.test(own))?.[0] ?? 'Other';
}

/** A typed error for a failed call; its message holds git's and the server's words, cleaned. */
export function failureError(reason: FailureReason, remote: RemoteUrl, stderr: string): VerandaError {
  const words = cleanServerText(stderr);
  const message = `${EXPLANATIONS[reason](remote.display, remote.credentials)}${words === '' ? '' : `: ${words}`}`;
  switch (reason) {
    case 'HostileContent':
    case 'Redirected':
    case 'AtomicPushUnsupported':
      return new TerminalError(reason, message);
    case 'Other':
      return new TransientError('GitFailed', message);
    default:
      return new TransientError(reason, message);
  }
}

const EXPLANATIONS: Readonly<Record<FailureReason, (url: string, credentials: string | undefined) => string>> = {
  HostileContent: (url) => `${url} holds an object that git does not take in; remove the refs that lead to it`,
  HostKeyMismatch: (url) => `the SSH host key of ${url} is not the one in known_hosts`,
  TLSVerify: (url) => `the TLS certificate of ${url} could not be verified`,
  AuthFailed: (url, credentials) =>
    credentials === undefined
      ? `${url} asks for credentials, and no Secret is named for it (secretRef)`
      : `${url} refused the credentials of ${credentials}`,
  Redirected: (url) => `${url} redirects to another address; register that one`,
  NotFound: (url) => `there is no git repository at ${url}, or our credentials may not see it`,
  AtomicPushUnsupported: (url) => `the server of ${url} has no atomic push`,
  ObjectMissing: (url) => `${url} no longer has an object that one of its refs named`,
  ServerError: (url) => `the server of ${url} failed`,
  Unreachable: (url) => `${url} could not be reached`,
  Other: (url) => `git failed on ${url}`,
};

const MAX_SERVER_TEXT = 1000;

/**
 * Server text as it may be shown: one line, no control characters, no user information in URLs, bounded.
 */
export function cleanServerText(text: string): string {
  const line = text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: terminal sequences are what is removed
    .replace(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, '')
    .replace(/([a-z][a-z0-9+.-]{0,15}:\/\/)[^\s/@]+@/gi, '$1')
    .replace(/(authorization:\s*\w+\s+)\S+/gi, '$1***')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
    .replace(/ {2,}/g, ' ')
    .trim();
  return line.length > MAX_SERVER_TEXT ? `${line.slice(0, MAX_SERVER_TEXT)}…` : line;
}

/** @param refs whose commits were listed, and went before they were fetched */
export function historyRewritten(url: string, refs: readonly string[]): TransientError {
  return new TransientError('HistoryRewritten', `${url} no longer has the commits of ${shortList(refs)}`);
}

function shortList(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ');
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}

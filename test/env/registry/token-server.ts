import { execFile } from 'node:child_process';
import { createPrivateKey, type KeyObject, randomUUID, sign, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Credentials } from './registry.ts';

export interface TokenServer {
  readonly realm: string;
  readonly service: string;
  /** The registry's settings for it. */
  readonly registryAuth: {
    readonly realm: string;
    readonly service: string;
    readonly issuer: string;
    readonly rootcertbundle: string;
  };
  /** What clients asked for, in order: `scope` as it came, `user` when they said who they are. */
  readonly requests: readonly { readonly scopes: readonly string[]; readonly user?: string }[];
  /** Seconds that new tokens are valid. */
  lifetime: number;
  stop(): Promise<void>;
}

interface Access {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

const ISSUER = 'veranda-tests';
const SERVICE = 'registry.test';

/**
 * A token server as the distribution specification describes it, with a key of its own. The user gets what is asked
 * for; anonymous clients get pulls when `anonymousPull`, and else a token without rights.
 * @param directory where its key and certificate are kept
 */
export async function startTokenServer(
  user: Credentials & { readonly anonymousPull?: boolean },
  directory: string,
): Promise<TokenServer> {
  const { key, certificate, certificateFile } = await makeSigner(directory);
  const requests: { scopes: string[]; user?: string }[] = [];
  const state = { lifetime: 300 };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const scopes = url.searchParams.getAll('scope').flatMap((scope) => scope.split(' '));
    const given = basicCredentials(request.headers.authorization);
    requests.push({ scopes, ...(given && { user: given.user }) });
    const known = given?.user === user.user && given.password === user.password;
    if ((given !== undefined && !known) || url.searchParams.get('service') !== SERVICE) {
      response.writeHead(401, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'unknown user or service' }] }));
      return;
    }
    const access = scopes.map(parseScope).flatMap((wanted) => allowed(wanted, known, user.anonymousPull === true));
    const token = makeToken(key, certificate, given?.user ?? '', access, state.lifetime);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ token, expires_in: state.lifetime }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const realm = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
  return Object.assign(state, {
    realm,
    service: SERVICE,
    registryAuth: { realm, service: SERVICE, issuer: ISSUER, rootcertbundle: certificateFile },
    requests,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}

async function makeSigner(directory: string) {
  const [keyFile, certificateFile] = [join(directory, 'token.key'), join(directory, 'token.pem')];
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const files = ['-keyout', keyFile, '-out', certificateFile];
  await promisify(execFile)('openssl', ['req', '-x509', ...newKey, '-subj', '/CN=Token server', ...files]);
  return {
    key: createPrivateKey(await readFile(keyFile)),
    certificate: new X509Certificate(await readFile(certificateFile)),
    certificateFile,
  };
}

function basicCredentials(header: string | undefined): Credentials | undefined {
  const encoded = /^Basic (.+)$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const [user = '', ...password] = Buffer.from(encoded, 'base64').toString().split(':');
  return { user, password: password.join(':') };
}

/** `repository:library/name:pull,push`; names may hold colons of their own. */
function parseScope(scope: string): Access {
  const [type = '', ...rest] = scope.split(':');
  const actions = (rest.pop() ?? '').split(',');
  return { type, name: rest.join(':'), actions };
}

function allowed(wanted: Access, known: boolean, anonymousPull: boolean): Access[] {
  if (known) return [wanted];
  return anonymousPull && wanted.actions.includes('pull') ? [{ ...wanted, actions: ['pull'] }] : [];
}

function makeToken(
  key: KeyObject,
  certificate: X509Certificate,
  subject: string,
  access: readonly Access[],
  lifetime: number,
): string {
  const now = Math.floor(Date.now() / 1000);
  const header = { typ: 'JWT', alg: 'ES256', x5c: [certificate.raw.toString('base64')] };
  const times = { iat: now, nbf: now - 5, exp: now + lifetime };
  const claims = { iss: ISSUER, sub: subject, aud: SERVICE, ...times, jti: randomUUID(), access };
  const signed = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}

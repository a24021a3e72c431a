import { createHash } from 'node:crypto';

/** What a registry wants to know of us. All values are secret. */
export type RegistryCredentials =
  | { readonly username: string; readonly password: string }
  /** Refresh token that a token server gives access tokens for. */
  | { readonly identityToken: string }
  /** Sent as a Bearer token as it is. */
  | { readonly registryToken: string };

/** Credentials by place; asked before a registry is called, so that what was rotated is used at once. */
export interface CredentialSource {
  /**
   * Differs between sources that may see different things. What was read with one source is not given to another.
   */
  readonly identity: string;
  /** @throws VerandaError when they could not be looked up, which is never "there are none" */
  find(host: string, repository: string, signal: AbortSignal): Promise<RegistryCredentials | undefined>;
}

export const ANONYMOUS: CredentialSource = { identity: '', find: async () => undefined };

/** The same credentials for every repository of one host, and none for others. */
export function credentialsFor(host: string, credentials: RegistryCredentials): CredentialSource {
  return {
    identity: fingerprint(JSON.stringify([host, credentials])),
    find: async (wanted) => (wanted === host ? credentials : undefined),
  };
}

/** Stands for a secret in keys of caches. */
export function fingerprint(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

/** The parts that must not appear in messages. */
export function secretsOf(credentials: RegistryCredentials | undefined): string[] {
  if (credentials === undefined) return [];
  if ('identityToken' in credentials) return [credentials.identityToken];
  if ('registryToken' in credentials) return [credentials.registryToken];
  return [credentials.password, basicToken(credentials)];
}

/** The token of the Basic scheme. */
export function basicToken({ username, password }: { readonly username: string; readonly password: string }): string {
  return Buffer.from(`${username}:${password}`).toString('base64');
}

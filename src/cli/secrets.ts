import { TransientError } from '../api/errors.ts';
import type { KubeObject } from '../api/object.ts';
import type { SecretChanges } from '../controllers/environment.ts';
import type { EmbeddedStore } from '../kube/adapters/embedded/store.ts';
import type { KindRef, ObjectStore } from '../kube/store.ts';
import type { CredentialsProvider, GitCredentials } from '../repository/git/types.ts';

type Secret = KubeObject & {
  readonly data?: { readonly [key: string]: unknown };
  readonly stringData?: { readonly [key: string]: unknown };
};

const SECRET: KindRef<Secret> = { apiVersion: 'v1', kind: 'Secret', plural: 'secrets', namespaced: true };

/**
 * Credentials of a Secret, read each time they are asked for: `kubernetes.io/basic-auth` (username, password), Opaque with
 * bearerToken, `kubernetes.io/ssh-auth` (ssh-privatekey, known_hosts), `kubernetes.io/dockerconfigjson` (.dockerconfigjson), and
 * beside any of them ca.crt.
 */
export function secretCredentials(
  store: Pick<ObjectStore, 'get'>,
  namespace: string,
  name: string,
): CredentialsProvider {
  return async () => {
    const secret = await store.get(SECRET, { namespace, name });
    if (!secret)
      throw new TransientError('SecretNotFound', `Secret ${name} does not exist`, {
        object: `Secret ${namespace}/${name}`,
      });
    const value = (key: string): string | undefined => dataOf(secret, key);
    const credentials: GitCredentials = {
      username: value('username'),
      password: value('password'),
      bearerToken: value('bearerToken'),
      sshPrivateKey: value('ssh-privatekey'),
      sshKnownHosts: value('known_hosts'),
      caBundle: value('ca.crt'),
      dockerConfig: value('.dockerconfigjson'),
    };
    if (Object.values(credentials).some((part) => part !== undefined)) return credentials;
    const keys = 'username and password, bearerToken, ssh-privatekey and known_hosts, ca.crt, .dockerconfigjson';
    throw new TransientError('InvalidSecret', `Secret ${name} has none of the keys ${keys}`, {
      object: `Secret ${namespace}/${name}`,
    });
  };
}

/** One value of a Secret; undefined when there is no such Secret or key, or nothing in it. @throws as the store */
export async function readSecretKey(
  store: ObjectStore,
  namespace: string,
  name: string,
  key: string,
): Promise<string | undefined> {
  const secret = await store.get(SECRET, { namespace, name });
  return (secret && dataOf(secret, key)) || undefined;
}

export function secretChanges(store: EmbeddedStore): SecretChanges {
  return {
    onChange: (handler) => {
      store.onChange(({ before, after }) => {
        const object = after ?? before;
        if (object?.kind !== SECRET.kind || object.apiVersion !== SECRET.apiVersion) return;
        handler({ namespace: object.metadata.namespace ?? '', name: object.metadata.name });
      });
    },
  };
}

function dataOf({ data, stringData }: Secret, key: string): string | undefined {
  return text(stringData?.[key]) ?? decode(text(data?.[key]));
}

/** Manifests of Secrets are not validated: a value may be of any type. */
function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function decode(base64: string | undefined): string | undefined {
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64').toString('utf8');
}

import { TransientError } from '../../api/errors.ts';
import type { ObjectStore } from '../../kube/store.ts';
import type { CredentialsProvider } from '../../repository/git/types.ts';
import { secretCredentials } from '../secrets.ts';

/**
 * Credentials of Secrets by `get` of the one that is named, each time anew; Secrets are never listed. A missing right is
 * told with the Role that gives it.
 */
export function clusterSecrets(store: ObjectStore): (namespace: string, name: string) => CredentialsProvider {
  return (namespace, name) => {
    const read = secretCredentials(store, namespace, name);
    return async () => {
      try {
        return await read();
      } catch (error) {
        throw explainedSecret(error, namespace, name);
      }
    };
  };
}

/** The error, with the remedy where the right to read the Secret is missing. */
export function explainedSecret(error: unknown, namespace: string, name: string): unknown {
  if (!(error instanceof TransientError) || error.reason !== 'Forbidden') return error;
  const rule = JSON.stringify({
    apiGroups: [''],
    resources: ['secrets'],
    resourceNames: [name],
    verbs: ['get', 'watch'],
  });
  const message = `Secret ${name} may not be read; give the operator a Role in namespace ${namespace} with the rule ${rule}`;
  return new TransientError('SecretForbidden', message, { object: `Secret ${namespace}/${name}`, cause: error });
}

import type { ApiClient } from './client.ts';

export interface AccessQuestion {
  readonly verb: string;
  /** Empty for the core group. */
  readonly group: string;
  /** Plural, with `/subresource` if need be. */
  readonly resource: string;
  /** Absent: all namespaces, or a kind without namespaces. */
  readonly namespace?: string;
  /** Absent: all names. */
  readonly name?: string;
}

export interface AccessAnswer {
  readonly allowed: boolean;
  /** What the authorizer says, if anything. */
  readonly reason?: string;
}

/** Whether the one whose credentials the client uses may do something. @throws as {@link ApiClient} */
export async function canI(
  client: Pick<ApiClient, 'json'>,
  question: AccessQuestion,
  signal?: AbortSignal,
): Promise<AccessAnswer> {
  const { verb, group, namespace, name } = question;
  const [resource, subresource] = question.resource.split('/');
  const answer = await client.json<{ readonly status?: { readonly allowed?: boolean; readonly reason?: string } }>({
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { verb, group, resource, subresource, namespace, name } },
    },
    signal,
  });
  const { allowed = false, reason } = answer.status ?? {};
  return reason ? { allowed, reason } : { allowed };
}

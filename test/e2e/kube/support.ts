import { randomBytes } from 'node:crypto';
import { loadCredentials } from '../../../src/kube/adapters/kubernetes/credentials.ts';
import { type ApiClientOptions, HttpApiClient } from '../../../src/kube/adapters/kubernetes/http-client.ts';
import { WIDGET } from '../../unit/kube/support.ts';

export const USER_AGENT = 'veranda-test';

/** A client of whoever the kubeconfig says. */
export async function connect(
  kubeconfig: string,
  options: Omit<ApiClientOptions, 'credentials' | 'userAgent'> = {},
): Promise<HttpApiClient> {
  const credentials = await loadCredentials({ kubeconfig });
  return new HttpApiClient({ credentials, userAgent: USER_AGENT, ...options });
}

/** A namespace that nobody else uses. */
export async function makeNamespace(client: HttpApiClient): Promise<string> {
  const name = `kube-${randomBytes(5).toString('hex')}`;
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
  await client.json({ method: 'POST', path: '/api/v1/namespaces', body });
  return name;
}

/** Installs the kind that the tests of `src/kube` use, {@link WIDGET}; it stays. */
export async function installWidgets(client: HttpApiClient): Promise<void> {
  const [group = '', version = ''] = WIDGET.apiVersion.split('/');
  const name = `${WIDGET.plural}.${group}`;
  const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  await client.json({
    method: 'PATCH',
    path: `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`,
    query: { fieldManager: 'test', force: true },
    contentType: 'application/apply-patch+yaml',
    body: {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name },
      spec: {
        group,
        scope: 'Namespaced',
        names: { kind: WIDGET.kind, plural: WIDGET.plural, singular: 'widget', listKind: 'WidgetList' },
        versions: [
          {
            name: version,
            served: true,
            storage: true,
            subresources: { status: {} },
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: {
                  spec: { ...anything, properties: { size: { type: 'integer', minimum: 0 } } },
                  status: anything,
                },
              },
            },
          },
        ],
      },
    },
  });
  await eventually('widgets are served', async () => {
    return await client.json({ method: 'GET', path: `/apis/${WIDGET.apiVersion}/${WIDGET.plural}` }).then(
      () => true,
      () => false,
    );
  });
}

/** Waits for a condition; the error says which one did not come true. */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  patienceMs = 180_000,
): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`${what}: it did not come true in ${patienceMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

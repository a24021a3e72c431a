import { createHash } from 'node:crypto';
import type { KubeObject } from '../../api/object.ts';
import type { KindRef, ObjectName } from '../../kube/store.ts';
import type { WantedImage } from '../container-image.ts';
import type { PodSettings } from './settings.ts';

/** What of a Pod is read here. */
export interface Pod extends KubeObject {
  readonly spec?: { readonly nodeName?: string };
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

export interface ContainerStatus {
  readonly name: string;
  readonly ready?: boolean;
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string };
    readonly running?: object;
    readonly terminated?: { readonly exitCode: number; readonly reason?: string; readonly message?: string };
  };
}

export const POD: KindRef<Pod> = { apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespaced: true };

/** The container that runs the function. */
export const CONTAINER = 'function';

export const MANAGED_BY_LABEL = 'app.kubernetes.io/managed-by';
/** Value of the label above on all our pods. */
export const MANAGER = 'veranda';
/** Label: the install that the pod is of. What other installs have in the same namespace is left alone. */
export const INSTALL_LABEL = 'veranda.dev/install';
/** Label: the process of the install that made the pod. Pods of processes that are gone are deleted. */
export const INSTANCE_LABEL = 'veranda.dev/instance';
/** Label: base name of the function's image, as far as a label can hold it. */
export const FUNCTION_LABEL = 'veranda.dev/function';
/** Annotation: the image with tag and digest. */
export const IMAGE_ANNOTATION = 'veranda.dev/image';

/** A function's image as it is run. */
export interface FunctionImage {
  /** As it was asked for: FunctionConfigs go by that. */
  readonly asked: Pick<WantedImage, 'name' | 'suffix' | 'tag'>;
  /** With tag and digest, for people: `host/path/name:v1@sha256:...`. */
  readonly resolved: string;
  /** `host/path/name@sha256:...` */
  readonly reference: string;
  /** `sha256:...` */
  readonly digest: string;
  /** Entrypoint and Cmd of the image together. */
  readonly command: readonly string[];
}

/** Whose pods they are: only one process of an install works at a time. */
export interface PodOwner {
  /** Value of `INSTALL_LABEL`. */
  readonly install: string;
  /** Differs for every process. */
  readonly instance: string;
}

export interface PodPlace extends PodOwner {
  readonly name: string;
  readonly namespace: string;
  /** The container ends with its first input. */
  readonly once: boolean;
}

/** What the value of a label may have. */
const MAX_LABEL = 63;

/** Numeric, because a name cannot be shown to be somebody else than root. */
const NOBODY = 65_534;

/** Nothing but the function: no account, no privileges, a file system that cannot be written but for /tmp. */
export function functionPod(image: FunctionImage, settings: PodSettings, place: PodPlace): KubeObject {
  const { resources, env, envFrom, nodeSelector, tolerations } = settings;
  const { imagePullPolicy, imagePullSecrets, serviceAccountName } = settings;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: place.name,
      namespace: place.namespace,
      labels: {
        [MANAGED_BY_LABEL]: MANAGER,
        [INSTALL_LABEL]: place.install,
        [INSTANCE_LABEL]: place.instance,
        [FUNCTION_LABEL]: functionLabel(image),
      },
      annotations: { [IMAGE_ANNOTATION]: image.resolved, 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true' },
    },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 1,
      securityContext: { runAsNonRoot: true, runAsUser: NOBODY, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: CONTAINER,
          image: image.reference,
          imagePullPolicy,
          stdin: true,
          stdinOnce: place.once,
          resources,
          ...(env.length > 0 ? { env } : {}),
          ...(envFrom ? { envFrom } : {}),
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
          volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
        },
      ],
      volumes: [{ name: 'tmp', emptyDir: { sizeLimit: '256Mi' } }],
      ...(serviceAccountName ? { serviceAccountName } : {}),
      ...(nodeSelector ? { nodeSelector } : {}),
      ...(tolerations ? { tolerations } : {}),
      ...(imagePullSecrets.length > 0 ? { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) } : {}),
    },
  } as KubeObject;
}

/**
 * Processes that share a Lease are one install, also those that run without one. Neither part has a dot, so that the text is
 * as unique as the two together.
 */
export function installOf({ namespace, name }: ObjectName): string {
  const full = `${namespace}.${name}`;
  if (full.length <= MAX_LABEL) return full;
  const hash = createHash('sha256').update(full).digest('hex').slice(0, 16);
  return `${full.slice(0, MAX_LABEL - 17)}-${hash}`;
}

/** Whether the pod was made by this install, whichever process of it. */
export function isOf(install: string, { metadata: { labels } }: Pod): boolean {
  return labels?.[MANAGED_BY_LABEL] === MANAGER && labels[INSTALL_LABEL] === install;
}

/** `fn-<function>-<digest>-<suffix>` within 63 characters. */
export function podName(image: FunctionImage, suffix: string): string {
  const base = functionLabel(image)
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-');
  const digest = image.digest.replace(/^.*:/, '').slice(0, 8);
  return `fn-${base.slice(0, 40).replace(/^-+|-+$/g, '')}-${digest}-${suffix}`;
}

function functionLabel({ reference }: FunctionImage): string {
  const [name = ''] = reference.split('@');
  return name
    .slice(name.lastIndexOf('/') + 1)
    .replace(/[^A-Za-z0-9_.-]+/g, '-')
    .slice(0, MAX_LABEL)
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '');
}

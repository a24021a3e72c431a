export interface PodStatus {
  readonly phase: string;
  readonly containerStatuses?: readonly {
    readonly state: {
      readonly waiting?: { readonly reason: string; readonly message?: string };
      readonly terminated?: { readonly reason: string; readonly exitCode: number };
    };
  }[];
}

export interface FunctionPod {
  readonly namespace: string;
  readonly name: string;
  readonly image: string;
  readonly memory?: string;
  readonly pullSecret?: string;
  /** Chosen by the scheduler when absent. */
  readonly node?: string;
}

/** A pod that waits for input, within the restricted pod security profile. */
export function functionPod({ namespace, name, image, memory, pullSecret, node }: FunctionPod): string {
  const securityContext = {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name },
    spec: {
      nodeName: node,
      automountServiceAccountToken: false,
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 0,
      securityContext: { runAsNonRoot: true, runAsUser: 65534, seccompProfile: { type: 'RuntimeDefault' } },
      imagePullSecrets: pullSecret === undefined ? [] : [{ name: pullSecret }],
      containers: [
        {
          name: 'function',
          image,
          stdin: true,
          resources: { limits: memory === undefined ? {} : { memory } },
          securityContext,
        },
      ],
    },
  });
}

import type { SandboxLayout } from '../sandbox/sandbox.ts';

export interface NodeLayout extends SandboxLayout {
  readonly name: string;
  /** Port of the kubelet's API. */
  readonly kubeletPort: number;
}

export const PAUSE_IMAGE = 'docker.io/local/pause:1';
export const containerdAddress = ({ directory }: NodeLayout) => `${directory}/containerd.sock`;
export const registryConfigurations = ({ directory }: NodeLayout) => `${directory}/certs.d`;

/** Folders of containerd, the kubelet and the network plug-ins that no option changes. */
export const FIXED_FOLDERS = [
  '/run/containerd',
  '/run/netns',
  '/var/lib/kubelet',
  '/var/lib/cni',
  '/var/log/pods',
  '/var/log/containers',
];

export function containerdConfig(layout: NodeLayout, runc: string): string {
  const { directory } = layout;
  return `version = 3
root = "${directory}/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.nri.v1.nri", "io.containerd.internal.v1.opt"]

[grpc]
address = "${containerdAddress(layout)}"

[plugins."io.containerd.cri.v1.images"]
snapshotter = "overlayfs"
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "${PAUSE_IMAGE}"
[plugins."io.containerd.cri.v1.images".registry]
config_path = "${registryConfigurations(layout)}"

[plugins."io.containerd.cri.v1.runtime"]
restrict_oom_score_adj = true
[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["/usr/lib/cni"]
conf_dir = "${directory}/cni"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
BinaryName = "${runc}"
SystemdCgroup = false
`;
}

/** Pods reach each other and this machine; nothing is translated, so they reach nothing else. */
export function networkConfig({ bridge, network }: NodeLayout): object {
  const ranges = [[{ subnet: `${network}.0/24` }]];
  const plugin = { type: 'bridge', bridge, isGateway: true, ipMasq: false, ipam: { type: 'host-local', ranges } };
  return { cniVersion: '1.0.0', name: bridge, plugins: [plugin] };
}

/** Works without CAP_SYS_RESOURCE, on either version of cgroups, and with swap. */
export function kubeletConfig(layout: NodeLayout, clientCaFile: string): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    port: layout.kubeletPort,
    healthzPort: 0,
    readOnlyPort: 0,
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: clientCaFile } },
    authorization: { mode: 'Webhook' },
    containerRuntimeEndpoint: `unix://${containerdAddress(layout)}`,
    failCgroupV1: false,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${layout.cgroup}`,
    enforceNodeAllocatable: [],
    failSwapOn: false,
    oomScoreAdj: 0,
    makeIPTablesUtilChains: false,
    featureGates: { KubeletInUserNamespace: true },
    localStorageCapacityIsolation: false,
    serializeImagePulls: false,
    registryPullQPS: 0,
    evictionHard: { 'memory.available': '50Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    imageGCHighThresholdPercent: 100,
    syncFrequency: '10s',
    fileCheckFrequency: '0s',
    nodeStatusUpdateFrequency: '5s',
    volumeStatsAggPeriod: '-1s',
    clusterDomain: 'cluster.local',
  };
}

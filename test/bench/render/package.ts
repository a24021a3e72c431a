import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SeededRandom } from '../support/random.ts';

export interface GeneratedPackage {
  /** Path to text. */
  readonly files: ReadonlyMap<string, string>;
  /** What a render must have put into every Deployment. */
  readonly expected: { readonly namespace: string; readonly replicas: number; readonly tag: string };
}

const KINDS = ['deployment', 'service', 'configmap'] as const;

/**
 * A package of `resources` resources, one a file: Deployments, Services and ConfigMaps in turn, setters on replicas and
 * image tag of every Deployment.
 */
export function generatePackage(resources: number, random: SeededRandom, pipeline: 'full' | 'empty'): GeneratedPackage {
  const name = random.word();
  const expected = { namespace: random.word(), replicas: 2 + random.below(7), tag: `2.${random.below(90)}.1` };
  const files = new Map([['Kptfile', kptfile(name, pipeline === 'full' ? mutators(expected, random) : '')]]);
  for (let index = 0; index < resources; index++) {
    const app = `${name}-${Math.floor(index / KINDS.length)}`;
    const kind = KINDS[index % KINDS.length] ?? 'configmap';
    files.set(`${app}-${kind}.yaml`, RESOURCES[kind](app, random));
  }
  return { files, expected };
}

export async function writeGenerated({ files }: GeneratedPackage, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [path, text] of files) await writeFile(join(folder, path), text);
}

function kptfile(name: string, pipeline: string): string {
  return `apiVersion: kpt.dev/v1
kind: Kptfile
metadata:
  name: ${name}
  annotations:
    config.kubernetes.io/local-config: "true"
${pipeline}`;
}

function mutators({ namespace, replicas, tag }: GeneratedPackage['expected'], random: SeededRandom): string {
  return `pipeline:
  mutators:
    - image: set-namespace:v0.4.1
      configMap:
        namespace: ${namespace}
    - image: set-labels:v0.2.0
      configMap:
        tier: ${random.word()}
    - image: apply-setters:v0.2.0
      configMap:
        replicas: "${replicas}"
        tag: ${tag}
`;
}

const RESOURCES: Readonly<Record<(typeof KINDS)[number], (app: string, random: SeededRandom) => string>> = {
  deployment: (app, random) => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${app}
  namespace: example
  labels:
    app: ${app}
spec:
  replicas: 1 # kpt-set: \${replicas}
  selector:
    matchLabels:
      app: ${app}
  template:
    metadata:
      labels:
        app: ${app}
    spec:
      containers:
        - name: server
          image: registry.example.com/${app}:1.0.0 # kpt-set: registry.example.com/${app}:\${tag}
          ports:
            - containerPort: ${8000 + random.below(999)}
          resources:
            requests:
              cpu: 100m
              memory: ${64 + random.below(64)}Mi
`,
  service: (app, random) => `apiVersion: v1
kind: Service
metadata:
  name: ${app}
  namespace: example
spec:
  selector:
    app: ${app}
  ports:
    - port: 80
      targetPort: ${8000 + random.below(999)}
`,
  configmap: (app, random) => `apiVersion: v1
kind: ConfigMap
metadata:
  name: ${app}
  namespace: example
data:
  greeting: ${random.word()}
  # Read at start.
  settings: |
    colour=${random.word()}
    retries=${random.below(9)}
`,
};

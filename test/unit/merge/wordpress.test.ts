import { existsSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { conflictSummary } from '../../../src/merge/describe.ts';
import { mergePackages } from '../../../src/merge/merge-packages.ts';
import { diffResources, diffText } from '../../../src/merge/package-diff.ts';
import type { Package } from '../../../src/package/package.ts';
import { readPackageDirectory } from '../../../src/package/read-dir.ts';
import { withMergeKeys } from '../../../src/task/mutations/merge-keys.ts';
import { file, textsOf } from './support.ts';

const shared = process.env.VERANDA_SHARED ?? path.join(import.meta.dirname, '../../../../shared');
const folder = path.join(shared, 'samples/kpt-examples/wordpress');
const DEPLOYMENT = 'deployment/deployment.yaml';

function edited(pkg: Package, target: string, edits: readonly (readonly [from: string, to: string])[]): Package {
  const before = textsOf(pkg)[target] ?? '';
  const after = edits.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`${target} has no ${from}`);
    return text.replace(from, () => to);
  }, before);
  return pkg.edit([[target, file(after)]]);
}

/** A registry of their own, a debug switch, three replicas, an owner for the pages. */
function asLocal(pkg: Package): Package {
  const cloned = withMergeKeys(edited(pkg, 'Kptfile', [['  name: wordpress', '  name: blog']])).pkg;
  const deployed = edited(cloned, DEPLOYMENT, [
    ['spec:\n  selector', 'spec:\n  replicas: 3 # one a zone\n  selector'],
    ['image: wordpress:6.8-apache', 'image: registry.example.com/wordpress:6.8-apache # mirrored'],
    [
      '                  key: password\n',
      '                  key: password\n            - name: WORDPRESS_DEBUG\n              value: "1"\n',
    ],
  ]);
  return edited(deployed, 'Kptfile', [
    ['        app: wordpress\n', '        app: wordpress\n        team: web # who is called at night\n'],
  ]);
}

/** A new image with a probe, an exporter beside it, a pinned function and one more. */
function asUpdated(pkg: Package): Package {
  const deployed = edited(pkg, DEPLOYMENT, [
    ['wordpress:6.8-apache', 'wordpress:6.9-apache'],
    [
      '          volumeMounts:',
      `          livenessProbe: # new in 6.9
            httpGet: {path: /healthz, port: 80}
            # the first start is slow
            initialDelaySeconds: 30
          volumeMounts:`,
    ],
    [
      '      volumes:',
      '        - name: exporter\n          image: \'exporter:1.0\'\n          args: ["--listen", ":9117"]\n      volumes:',
    ],
  ]);
  return edited(deployed, 'Kptfile', [
    ['set-labels:latest', 'set-labels:v0.2'],
    [
      '  validators:',
      '    - image: ghcr.io/kptdev/krm-functions-catalog/set-namespace:v0.4 # last\n      configMap:\n        namespace: blog\n  validators:',
    ],
  ]);
}

const EXPECTED = `--- a/Kptfile
+++ b/Kptfile
@@ -10,9 +10,12 @@
   description: This is an example wordpress package with mysql subpackage.
 pipeline:
   mutators:
-    - image: ghcr.io/kptdev/krm-functions-catalog/set-labels:latest
+    - image: ghcr.io/kptdev/krm-functions-catalog/set-labels:v0.2
       configMap:
         app: wordpress
         team: web # who is called at night
+    - image: ghcr.io/kptdev/krm-functions-catalog/set-namespace:v0.4 # last
+      configMap:
+        namespace: blog
   validators:
     - image: ghcr.io/kptdev/krm-functions-catalog/kubeconform:latest
--- a/deployment/deployment.yaml
+++ b/deployment/deployment.yaml
@@ -33,7 +33,7 @@
     spec:
       containers:
         - name: wordpress
-          image: registry.example.com/wordpress:6.8-apache # mirrored
+          image: wordpress:6.9-apache # mirrored
           ports:
             - name: wordpress
               protocol: TCP
@@ -51,6 +51,13 @@
           volumeMounts:
             - name: wordpress-persistent-storage
               mountPath: /var/www/html
+          livenessProbe: # new in 6.9
+            httpGet: {path: /healthz, port: 80}
+            # the first start is slow
+            initialDelaySeconds: 30
+        - name: exporter
+          image: 'exporter:1.0'
+          args: ["--listen", ":9117"]
       volumes:
         - name: wordpress-persistent-storage
           persistentVolumeClaim:
`;

if (!existsSync(folder)) {
  console.error(`PASSED OVER: no package at ${folder}; set VERANDA_SHARED`);
  test('the upgrade of a real package is passed over', () => expect(existsSync(folder)).toBe(false));
} else {
  test('the upgrade of a real package with local edits reads well', async () => {
    const base = await readPackageDirectory(folder, { signal: new AbortController().signal });
    const local = asLocal(base);
    const { pkg, conflicts } = mergePackages(
      { base, local, updated: asUpdated(base) },
      { strategy: 'resource-merge', independent: 'merge' },
    );
    expect(diffText(local, pkg)).toBe(EXPECTED);
    expect(conflictSummary(conflicts)).toBe(
      '1 merge conflict: deployment/deployment.yaml Deployment wordpress spec.template.spec.containers[name=wordpress].image: ' +
        'base "wordpress:6.8-apache", local "registry.example.com/wordpress:6.8-apache", upstream "wordpress:6.9-apache"; ' +
        'the upstream value was taken',
    );
    expect(
      diffResources(local, pkg).map(({ resource, fields }) => [resource, fields.map(({ field }) => field)]),
    ).toEqual([
      [
        'Kptfile blog',
        [
          'pipeline.mutators[ghcr.io/kptdev/krm-functions-catalog/set-labels].image',
          'pipeline.mutators[ghcr.io/kptdev/krm-functions-catalog/set-namespace]',
        ],
      ],
      [
        'Deployment wordpress',
        [
          'spec.template.spec.containers[name=wordpress].image',
          'spec.template.spec.containers[name=wordpress].livenessProbe',
          'spec.template.spec.containers[name=exporter]',
        ],
      ],
    ]);
  });
}

import { stringifyKrm } from '../../krm/file.ts';
import { LOCAL_CONFIG_ANNOTATION } from '../../krm/identity.ts';
import type { KrmMap } from '../../krm/value.ts';
import { KPTFILE } from '../../package/subpackages.ts';
import type { PackageFile } from '../../package/types.ts';
import { checkNewPackage } from '../checks.ts';
import type { InitTask, Mutation } from '../types.ts';
import { newPackageContext, PACKAGE_CONTEXT_FILE } from './deployment-context.ts';

/** A package with nothing in it but its description: Kptfile, README.md and package-context.yaml, as `kpt pkg init` makes them. */
export function init(task: InitTask['init']): Mutation {
  return {
    name: 'init',
    async apply(context, pkg) {
      checkNewPackage(context.target, 'init');
      const name = context.target.package;
      const files = [
        [KPTFILE, textFile(stringifyKrm(kptfile(name, task)))],
        ['README.md', textFile(readme(name, task.description ?? ''))],
        [PACKAGE_CONTEXT_FILE, textFile(stringifyKrm(newPackageContext({ name: 'example' })))],
      ] as const;
      return { pkg: pkg.edit(files), result: {} };
    },
  };
}

function kptfile(name: string, { site, description, keywords }: InitTask['init']): KrmMap {
  return {
    apiVersion: 'kpt.dev/v1',
    kind: 'Kptfile',
    metadata: { name, annotations: { [LOCAL_CONFIG_ANNOTATION]: 'true' } },
    info: {
      ...(site ? { site } : {}),
      ...(description ? { description } : {}),
      ...(keywords && keywords.length > 0 ? { keywords } : {}),
    },
  };
}

function readme(name: string, description: string): string {
  return `# ${name}

## Description
${description}

## Usage

### Fetch the package
\`kpt pkg get REPO_URI[.git]/PKG_PATH[@VERSION] ${name}\`
Details: https://kpt.dev/reference/cli/pkg/get/

### View package content
\`kpt pkg tree ${name}\`
Details: https://kpt.dev/reference/cli/pkg/tree/

### Apply the package
\`\`\`
kpt live init ${name}
kpt live apply ${name} --reconcile-timeout=2m --output=table
\`\`\`
Details: https://kpt.dev/reference/cli/live/
`;
}

function textFile(text: string): PackageFile {
  return { mode: '100644', bytes: new TextEncoder().encode(text) };
}

import { describe, expect, test } from '@jest/globals';
import { validateManifest } from '../../../src/api/validate.ts';
import { bad, good, type ManifestCase } from '../api/manifest-cases.ts';

type Spec = { readonly upstream?: object };

/** The cases 16.1.2 to 16.1.14, which have no workspace in their upstream. */
const CASES = [...good.map((one) => ({ ...one, expected: [] })), ...bad].filter(({ name }) =>
  /^16\.1\.([2-9]|1[0-4])\b/.test(name),
);

describe('16.1.15: naming only the workspace changes nothing of', () => {
  test.each(CASES)('$name', ({ manifest, expected }: ManifestCase) => {
    const { spec } = manifest as { readonly spec: Spec };
    const upstream = { ...spec.upstream, workspaceName: 'v1' };
    const diagnostics = validateManifest({ ...manifest, spec: { ...spec, upstream } });
    expect(diagnostics.map(({ field, message }) => `${field}: ${message}`)).toEqual(expected);
  });
});

const swc = {
  jsc: {
    target: 'es2024',
    parser: { syntax: 'typescript' },
    experimental: { keepImportAttributes: true },
  },
  module: { type: 'es6' },
  sourceMaps: 'inline',
};

const project = (displayName, extra = {}) => ({
  displayName,
  rootDir: import.meta.dirname,
  testMatch: [`<rootDir>/test/${displayName}/**/*.test.ts`],
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest', swc] },
  ...extra,
});

export default {
  projects: [
    project('unit'),
    project('integration'),
    project('conformance'),
    project('e2e', {
      setupFilesAfterEnv: ['<rootDir>/test/e2e/support/timeout.ts'],
      globalSetup: '<rootDir>/test/env/cluster/global-setup.ts',
      globalTeardown: '<rootDir>/test/env/cluster/global-teardown.ts',
    }),
  ],
  testTimeout: 60_000,
  // Many tests wait for processes of their own: more workers than processors keep those busy.
  maxWorkers: 4,
  workerIdleMemoryLimit: '768MB',
  reporters: ['default', '<rootDir>/scripts/totals-reporter.mjs'],
};

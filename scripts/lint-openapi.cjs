'use strict';

/** Lints openapi.yaml by redocly.yaml; says what is wrong where, and ends with 1 if anything is. */

const { formatProblems, getTotals, lint, loadConfig } = require('@redocly/openapi-core');

async function main(path) {
  const config = await loadConfig({ configPath: 'redocly.yaml' });
  const problems = await lint({ ref: path, config });
  const totals = getTotals(problems);
  formatProblems(problems, { format: 'codeframe', totals, version: 'openapi-core' });
  process.exitCode = totals.errors + totals.warnings > 0 ? 1 : 0;
}

void main(process.argv[2] ?? 'openapi.yaml');

'use strict';

/**
 * An application with webhooks in it, as a process of its own, so that it can be killed. The action of the webhook `jobs`
 * says what it begins, and never ends where ACTION is `hang`.
 */
const { createServer } = require('node:http');
const { join } = require('node:path');
// Not a plain path: what is built need not be there when imports are checked.
const { createWebhookManager } = require(join(__dirname, '..', '..', 'dist', 'libs', 'sdk', 'src', 'webhooks'));

const webhooks = createWebhookManager({
  baseUrl: 'http://127.0.0.1',
  storage: process.env.STORAGE,
  dbPath: process.env.DB_PATH,
  databaseUrl: process.env.DATABASE_URL,
  concurrency: 1,
});

async function main() {
  await webhooks.create({ name: 'jobs', secret: 'secret-of-jobs' });
  await webhooks.addAction('jobs', {
    type: 'custom',
    name: 'work',
    action: ({ job }, { attempt }) => {
      console.log(`begins ${job} attempt ${attempt}`);
      return process.env.ACTION === 'hang' ? new Promise(() => {}) : `did ${job}`;
    },
  });
  const server = createServer(webhooks.handler).listen(0, '127.0.0.1', () => {
    console.log(`listening on port ${server.address().port}`);
  });
}

main();

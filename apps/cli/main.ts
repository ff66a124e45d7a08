import { demoCommand } from './src/demo/demo-command';
import { hooksCommand } from './src/hooks-command';
import { migrateCommand } from './src/migrate-command';
import { openApiCommand } from './src/openapi-command';
import { webhookCommand } from './src/webhook-command';
import { rotateEncryptionKeyCommand } from './src/rotate-encryption-key-command';

interface Command {
  usage: string;
  about: string;
  /** Answers the exit status. */
  run(args: string[]): Promise<number>;
}

const COMMANDS: Record<string, Command> = {
  demo: {
    usage: 'demo',
    about: 'show a delivery on the running service, or on one that is started for it',
    run: demoCommand,
  },
  hooks: {
    usage: 'hooks import FILE',
    about: 'make inbound endpoints of a hook file of adnanh/webhook',
    run: hooksCommand,
  },
  migrate: { usage: 'migrate', about: 'bring the database at DATABASE_URL to the newest schema', run: migrateCommand },
  'rotate-encryption-key': {
    usage: 'rotate-encryption-key',
    about: 'seal all stored secrets anew with the first key of ENCRYPTION_KEY',
    run: rotateEncryptionKeyCommand,
  },
  openapi: { usage: 'openapi [file]', about: 'write the description of the API (openapi.yaml)', run: openApiCommand },
  webhook: {
    usage: 'webhook [command]',
    about: 'run a chat command on inbound endpoints; webhook help lists them',
    run: webhookCommand,
  },
};

void main(process.argv.slice(2));

async function main([name = 'help', ...args]: string[]): Promise<void> {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command !== undefined) {
    process.exitCode = await command.run(args);
    return;
  }
  console.log('Commands:');
  for (const { usage, about } of Object.values(COMMANDS)) console.log(`  ${usage.padEnd(22)} ${about}`);
  process.exitCode = name === 'help' || name === '--help' ? 0 : 1;
}

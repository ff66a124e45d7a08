import { Command, InvalidArgumentError } from 'commander';
import { demoCommand } from './demo/demo-command';
import { importHooks, type ImportHooksOptions } from './import-hooks';
import { migrateCommand } from './migrate-command';
import { openApiCommand } from './openapi-command';
import { rotateEncryptionKeyCommand } from './rotate-encryption-key-command';
import { webhookCommand } from './webhook-command';

const HOOKS_ENVIRONMENT = `
Environment:
  API_URL      where the API is (default: http://localhost:3000)
  TOKEN        a token of the tenant, with the scope inbound:write; its hooks cannot run commands
  ADMIN_TOKEN  the operator's token, used with --tenant; commands run where INBOUND_COMMANDS is on`;

/** The command line: each command sets the exit status; a usage error names what is wrong and exits with 1. */
export function createProgram(): Command {
  const program = new Command('webhooks').enablePositionalOptions().showHelpAfterError();

  program
    .command('demo')
    .description('show a delivery on the running service, or on one started for the demo')
    .action(() => exitWith(demoCommand()));

  program
    .command('hooks')
    .description('import hook files of adnanh/webhook')
    .command('import')
    .description('create inbound endpoints from a hook file of adnanh/webhook (JSON or YAML)')
    .argument('<file>', 'hook file')
    .option('--skip-commands', 'leave out the commands of the hooks')
    .option('--tenant <tenant_id>', 'import for this tenant, as the operator', parseTenantId)
    .addHelpText('after', HOOKS_ENVIRONMENT)
    .action((file: string, options: ImportHooksOptions, command: Command) =>
      exitWith(importHooks(file, options, (message) => command.error(`error: ${message}`))),
    );

  program
    .command('migrate')
    .description('bring the database at DATABASE_URL to the newest schema')
    .action(() => exitWith(migrateCommand()));

  program
    .command('rotate-encryption-key')
    .description('seal all stored secrets again with the first key of ENCRYPTION_KEY')
    .action(() => exitWith(rotateEncryptionKeyCommand()));

  program
    .command('openapi')
    .description('write the description of the API')
    .argument('[file]', 'file to write', 'openapi.yaml')
    .action((file: string) => exitWith(openApiCommand(file)));

  program
    .command('webhook')
    .description('run a chat command on inbound endpoints; "webhook help" lists them')
    .argument('[words...]', 'the chat command with its options, which the service parses')
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .action((words: string[]) => exitWith(webhookCommand(words)));

  return program;
}

async function exitWith(status: Promise<number>): Promise<void> {
  process.exitCode = await status;
}

function parseTenantId(text: string): string {
  if (!/^tenant_\w+$/.test(text)) throw new InvalidArgumentError('A tenant id begins with tenant_.');
  return text;
}

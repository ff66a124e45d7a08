import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import type { AuditActor } from '#database/audit-log.queries';
import type { InboundEndpointEntity } from '#database/entities/inbound-endpoint.entity';
import { TenantDatabase } from '#database/tenant-database';
import { parseHookFile, type ImportedHook } from '#inbound-rules/commands/parse-hook-file';
import { AppError, invalidRequest, notFound } from '#kernel/app-error';
import { ActionsService } from './actions.service';
import type { ImportHooksDto } from './dto/import.dto';
import { EndpointsService, type Author } from './endpoints.service';

const MAX_NAME_LENGTH = 63;
const WAIT_SECONDS = 25;

/** Who imports: only the operator may have commands run. */
export interface Importer {
  author: Author;
  actor: AuditActor;
  isOperator: boolean;
}

/** Makes endpoints of a hook file of adnanh/webhook: all of them or, when anything is wrong, none. */
@Injectable()
export class HookImportService {
  constructor(
    @Inject(TenantDatabase) private readonly database: TenantDatabase,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
    private readonly endpoints: EndpointsService,
    private readonly actions: ActionsService,
  ) {}

  /**
   * @throws AppError 400 for a file that cannot be read, naming hook and property; 403 for commands that may not be run;
   *   404 for no such tenant; 409 for names or hook ids that are taken.
   */
  async import(importer: Importer, { content, commands = 'run' }: ImportHooksDto): Promise<InboundEndpointEntity[]> {
    const parsed = parseHookFile(content);
    if ('problems' in parsed) throw invalidRequest(parsed.problems);
    if (commands === 'run') this.refuseCommands(importer);
    const wanted = parsed.hooks.map((hook, index) => ({ hook, endpoint: this.toEntity(importer.author, hook, index) }));
    const { tenantId, userId } = importer.author;
    await this.database.run(tenantId, async (manager) => {
      await refuseUnknownTenant(manager, tenantId);
      for (const { hook, endpoint } of wanted) {
        await this.endpoints.insert(manager, importer.actor, endpoint);
        if (commands === 'skip') continue;
        const settings = { shown: commandOf(hook), secrets: {} };
        await this.actions.insert(manager, userId, endpoint, { type: 'execute' }, settings);
      }
    });
    return wanted.map(({ endpoint }) => endpoint);
  }

  private refuseCommands({ isOperator }: Importer): void {
    const skip = 'commands "skip" (--skip-commands) imports the endpoints without them';
    if (!isOperator) {
      throw new AppError(403, 'commands_forbidden', `Only the operator can have commands run; ${skip}`);
    }
    if (!this.environment.inboundCommands) {
      throw new AppError(403, 'commands_off', `Commands are switched off (INBOUND_COMMANDS); ${skip}`);
    }
  }

  private toEntity(author: Author, hook: ImportedHook, index: number): InboundEndpointEntity {
    const { id, settings, response, command } = hook;
    const output = command.include_output_on_error ? 'always' : command.include_output ? 'on_success' : 'never';
    try {
      return this.endpoints.toEntity(author, {
        ...settings,
        name: nameOf(id),
        hook_id: id,
        response: {
          status: response.status,
          headers: response.headers,
          message: response.message,
          ...(response.wait && { wait: true, wait_seconds: WAIT_SECONDS, command_output: output }),
        },
      });
    } catch (error) {
      if (!(error instanceof AppError) || error.status !== 400) throw error;
      throw invalidRequest(error.details.map((detail) => ({ ...detail, field: `hooks[${index}].${detail.field}` })));
    }
  }
}

/** A hook's id, which may be nearly anything, as a name of an endpoint. */
function nameOf(hookId: string): string {
  const name = hookId
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+/, '')
    .slice(0, MAX_NAME_LENGTH);
  return name === '' || name === 'channels' || name === 'import' ? `hook-${name}` : name;
}

/** What of the command is not the answer's business, as the dispatcher takes it. */
function commandOf({ command }: ImportedHook): Record<string, unknown> {
  const { working_directory: workingDirectory, command: program, arguments: given, environment, files } = command;
  return {
    command: program,
    ...(workingDirectory !== null && { working_directory: workingDirectory }),
    arguments: given,
    environment,
    files,
  };
}

async function refuseUnknownTenant(manager: EntityManager, tenantId: string): Promise<void> {
  const rows: unknown[] = await manager.query('SELECT FROM tenants WHERE id = $1 AND deleted_at IS NULL', [tenantId]);
  if (rows.length === 0) throw notFound('Tenant');
}

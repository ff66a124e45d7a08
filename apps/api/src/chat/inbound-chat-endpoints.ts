import { Injectable, type Type } from '@nestjs/common';
import { AppError, notFound } from '#kernel/app-error';
import { parseId } from '#kernel/ids';
import type { Caller } from '../caller/caller';
import { PageQuery } from '../http/page';
import { serialize } from '../http/raw-json';
import { coversScope, type Scope } from '../caller/scopes';
import { RequestValidationPipe } from '../http/validation.pipe';
import { ActionsService } from '../inbound/actions.service';
import { ChannelsService } from '../inbound/channels.service';
import { AddActionDto } from '../inbound/dto/action.dto';
import { ActionResponse } from '../inbound/dto/action.response';
import { CreateEndpointDto } from '../inbound/dto/endpoint.dto';
import type { EndpointResponse } from '../inbound/dto/endpoint.response';
import { LogQuery } from '../inbound/dto/log.query';
import { EndpointReader } from '../inbound/endpoint-reader';
import { EndpointsService } from '../inbound/endpoints.service';
import { OwnRequestsService } from '../inbound/own-requests.service';
import type {
  ChatAction,
  ChatEndpoint,
  ChatEndpoints,
  ChatLogEntry,
  ChatTest,
  NewChatAction,
  NewChatEndpoint,
} from './chat-endpoints';

const LISTED = 50;

/** The inbound endpoints that chat commands work on: through the services, and with the validation, of the API itself. */
@Injectable()
export class InboundChatEndpoints {
  private readonly validation = new RequestValidationPipe();

  constructor(
    private readonly endpoints: EndpointsService,
    private readonly reader: EndpointReader,
    private readonly actions: ActionsService,
    private readonly channels: ChannelsService,
    private readonly own: OwnRequestsService,
  ) {}

  /** As one caller reaches them. */
  of(caller: Caller): ChatEndpoints {
    return {
      require: (scope) => {
        requireScope(caller, scope);
      },
      create: (wanted) => this.create(caller, wanted),
      list: async () => {
        const page = Object.assign(new PageQuery(), { limit: LISTED });
        const { endpoints, total } = await this.reader.list(caller, page);
        return { total, endpoints: endpoints.map((one) => ({ ...one, ...activityOf(one) })) };
      },
      get: async (name) => toChatEndpoint(await this.reader.read(caller, name)),
      regenerate: async (name) => {
        const { url, secret } = await this.reader.show(caller, await this.endpoints.regenerate(caller, name, {}));
        return { url, secret };
      },
      delete: async (name) => {
        await this.endpoints.delete(caller, name);
      },
      test: (name, payload) => this.test(caller, name, payload),
      logs: (name, limit) => this.logs(caller, name, limit),
      setDebug: async (name, debug) => {
        await this.endpoints.update(caller, name, { debug });
      },
      addAction: (name, action) => this.addAction(caller, name, action),
      removeAction: async (name, id) => {
        const actionId = parseId('act', id);
        if (actionId === null) throw notFound('Action');
        await this.actions.remove(caller, name, actionId);
      },
      defaultChannel: async () => (await this.channels.list(caller)).find(({ isDefault }) => isDefault)?.name ?? null,
    };
  }

  private async create(
    caller: Caller,
    { name, secret, description, scheme, allowedIps }: NewChatEndpoint,
  ): Promise<{ endpoint: ChatEndpoint; secret: string | null }> {
    const wanted = await this.validated(CreateEndpointDto, {
      name,
      secret,
      description,
      signature: scheme === undefined ? undefined : { scheme },
      allowed_ips: allowedIps,
    });
    const made = await this.reader.show(caller, await this.endpoints.create(caller, wanted));
    return { endpoint: toChatEndpoint(made), secret: made.secret };
  }

  private async test(caller: Caller, name: string, payload: unknown): Promise<ChatTest> {
    const { verdict, answer, runs } = await this.own.test(caller, name, payload, false);
    return {
      status: verdict.outcome,
      responseStatus: answer.status,
      steps: [...verdict.steps],
      actions: runs.map(({ type, status, error }) => ({ type, status, detail: error })),
    };
  }

  private async logs(caller: Caller, name: string, limit: number): Promise<ChatLogEntry[]> {
    const { logs } = await this.reader.log(caller, name, Object.assign(new LogQuery(), { limit }));
    return logs.map((entry) => ({
      id: entry.request_id,
      receivedAt: new Date(entry.timestamp),
      status: entry.status,
      responseStatus: entry.response.status,
      ip: entry.ip,
      payload: entry.payload === null ? null : serialize(entry.payload),
    }));
  }

  private async addAction(caller: Caller, name: string, action: NewChatAction): Promise<ChatAction> {
    const wanted = await this.validated(AddActionDto, {
      type: action.type,
      settings: action.settings,
      ...(action.condition !== null && { condition: action.condition }),
    });
    const added = await this.actions.add(caller, name, wanted);
    return toChatAction(ActionResponse.from(added.action, added.forward));
  }

  /** What is given, as the API would have it from a body. @throws AppError 400. */
  private async validated<T extends object>(dto: Type<T>, given: object): Promise<T> {
    const fields = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    return (await this.validation.transform(fields, { type: 'body', metatype: dto })) as T;
  }
}

function requireScope(caller: Caller, scope: Scope): void {
  if (!coversScope(caller.scopes, scope))
    throw new AppError(403, 'missing_scope', `The token lacks the scope ${scope}`);
}

function activityOf(endpoint: { trigger_count: number; last_triggered_at: string | null }): {
  triggerCount: number;
  lastTriggeredAt: Date | null;
} {
  return {
    triggerCount: endpoint.trigger_count,
    lastTriggeredAt: endpoint.last_triggered_at === null ? null : new Date(endpoint.last_triggered_at),
  };
}

function toChatEndpoint(endpoint: EndpointResponse): ChatEndpoint {
  const { name, url, description, enabled, debug, signature, created_at: createdAt, actions } = endpoint;
  return {
    name,
    url,
    description,
    enabled,
    debug,
    scheme: (signature as { scheme: string }).scheme,
    createdAt: new Date(createdAt),
    ...activityOf(endpoint),
    actions: actions.map(toChatAction),
  };
}

function toChatAction({ action_id: id, type, settings, condition }: ActionResponse): ChatAction {
  return { id, type, summary: summaryOf(settings), condition };
}

/** `channels: telegram, discord; template: New signal`. */
function summaryOf(settings: Record<string, unknown>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('; ');
}

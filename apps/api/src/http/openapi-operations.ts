import type { OpenAPIObject } from '@nestjs/swagger';

type PathItem = OpenAPIObject['paths'][string];
export type OperationObject = NonNullable<PathItem['get']>;

/** An operation of the description and where it stands. */
export interface Operation {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  path: string;
  operation: OperationObject;
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

/** Ids and names in paths, by their parameter. */
export const PATH_PARAMETERS: Record<string, { description: string; example: string }> = {
  webhook_id: { description: 'The webhook', example: 'webhook_01k9zq5v7c2m8x4r6t0w3y5b7d' },
  delivery_id: { description: 'The delivery, or test delivery', example: 'del_01k9zq5v7c2m8x4r6t0w3y5b7d' },
  job_id: { description: 'The bulk redelivery', example: 'job_01k9zq5v7c2m8x4r6t0w3y5b7d' },
  event_id: { description: "The event; the publisher's own id where it gave one", example: 'event_123' },
  name: { description: 'The event type', example: 'invoice.paid' },
  endpoint: { description: 'The inbound endpoint, by its name or id', example: 'trading-signals' },
  action_id: { description: 'The action', example: 'act_01k9zq5v7c2m8x4r6t0w3y5b7d' },
  request_id: { description: 'The request', example: 'req_01k9zq5v7c2m8x4r6t0w3y5b7d' },
  table: { description: 'The table', example: 'signal_history' },
  channel: { description: 'The channel', example: 'team-chat' },
  token_id: { description: 'The token', example: 'tok_01k9zq5v7c2m8x4r6t0w3y5b7d' },
  user_id: { description: 'The user', example: 'user_01k9zq5v7c2m8x4r6t0w3y5b7d' },
  tenant_id: { description: 'The tenant', example: 'tenant_01k9zq5v7c2m8x4r6t0w3y5b7d' },
};

/** What a status says of an operation that says no more. */
export const SUCCESSES: Record<string, string> = { 200: 'It is done', 201: 'It was made', 202: 'It was accepted' };

/** Every operation of a description. */
export function operationsOf(document: OpenAPIObject): Operation[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      return operation === undefined ? [] : [{ method, path, operation }];
    }),
  );
}

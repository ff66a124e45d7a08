import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OpenAPIObject } from '@nestjs/swagger';
import { parse } from 'yaml';
import { operationsOf, type Operation } from '../../apps/api/src/http/openapi-operations';
import type { Scope } from '../../apps/api/src/caller/scopes';

const ROOT = join(__dirname, '..', '..');

/** openapi.yaml as text and as it reads. */
export const DESCRIPTION_TEXT = readFileSync(join(ROOT, 'openapi.yaml'), 'utf8');
export const DESCRIPTION = parse(DESCRIPTION_TEXT) as OpenAPIObject;

/** One operation of openapi.yaml, with what tests ask of it. */
export interface DescribedOperation extends Operation {
  id: string;
  /** `GET /api/webhooks/{webhook_id}`, for the names of tests. */
  name: string;
  /** Of the parameters in the path, in its order. */
  pathParameters: string[];
  /** Whether it asks for no token. */
  isPublic: boolean;
  /** Whether it is for the operator, not for tenants. */
  isOperators: boolean;
  scopes: Scope[];
  /** The example of its body; undefined when it takes none. */
  body: object | undefined;
}

export const OPERATIONS: DescribedOperation[] = operationsOf(DESCRIPTION).map((found) => {
  const { method, path, operation } = found;
  const security = operation.security?.[0] ?? {};
  const body = operation.requestBody;
  return {
    ...found,
    id: operation.operationId ?? '',
    name: `${method.toUpperCase()} ${path}`,
    pathParameters: [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? ''),
    isPublic: (operation.security ?? []).length === 0,
    isOperators: 'admin' in security,
    scopes: (security['bearer'] ?? []) as Scope[],
    body: body === undefined || '$ref' in body ? undefined : (body.content['application/json']?.example as object),
  };
});

/** The operation's path with these values in it. */
export function pathOf(operation: DescribedOperation, values: Record<string, string>): string {
  return operation.path.replaceAll(/\{(\w+)\}/g, (_match, name: string) => encodeURIComponent(values[name] ?? ''));
}

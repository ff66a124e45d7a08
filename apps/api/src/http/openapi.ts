import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { ErrorResponse } from './error-response';
import { completeErrors, ERROR_RESPONSES } from './openapi-errors';
import { completeExamples } from './openapi-examples';
import { operationsOf, PATH_PARAMETERS, SUCCESSES, type Operation } from './openapi-operations';

const DESCRIPTION = `Publishes events to webhooks: signed, retried and recorded.

Every error has the shape ErrorResponse; unknown fields are refused with 400. What belongs to another tenant, or to
another project than the token's, is answered with 404. Instants are ISO 8601 in UTC, and ranges are half-open.`;

const TAGS = {
  Webhooks: 'Subscriptions: a URL and the event types it wants',
  Deliveries: 'Events on their way to one webhook, each with its attempts',
  Events: 'What happened, published once',
  'Event types': "The built-in types and the tenant's own, with their schemas and versions",
  Inbound: 'Endpoints that receive webhooks: what is genuine, what is wanted, and what is done with it',
  Tokens: 'Bearer credentials with scopes, optionally bound to one project',
  Audit: 'Who did what',
  Users: 'Whom tokens belong to',
  Operator: "For who runs the installation, with the operator's token",
};

/** The description of the API, in an order that depends on nothing but the code. */
export function buildOpenApi(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Trae Webhooks API')
    .setDescription(DESCRIPTION)
    .setVersion('1')
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .addServer('/', 'Where this description came from')
    .addSecurity('bearer', {
      type: 'http',
      scheme: 'bearer',
      description: 'A token of the tenant, `trae_…`; each operation names the scopes it requires',
    })
    .addSecurity('admin', { type: 'http', scheme: 'bearer', description: "The operator's ADMIN_TOKEN" });
  for (const [name, description] of Object.entries(TAGS)) config.addTag(name, description);
  const document = SwaggerModule.createDocument(app, config.build(), { extraModels: [ErrorResponse] });
  const schemas = sorted(document.components?.schemas ?? {});
  for (const operation of operationsOf(document)) {
    describe(operation);
    completeErrors(operation);
    completeExamples(operation, schemas);
  }
  const { openapi, info, servers = [], tags = [], paths, components } = document;
  return {
    openapi,
    info,
    servers,
    tags,
    paths: sorted(paths),
    components: { securitySchemes: components?.securitySchemes ?? {}, responses: usedErrors(paths), schemas },
  };
}

function usedErrors(paths: OpenAPIObject['paths']): typeof ERROR_RESPONSES {
  const text = JSON.stringify(paths);
  return Object.fromEntries(
    Object.entries(ERROR_RESPONSES).filter(([name]) => text.includes(`"#/components/responses/${name}"`)),
  );
}

/** What is the same wherever it occurs is said here once, unless the controller says it better. */
function describe({ operation }: Operation): void {
  operation.security ??= []; // in words: no token
  for (const parameter of operation.parameters ?? []) {
    if ('$ref' in parameter || parameter.in !== 'path') continue;
    Object.assign(parameter, PATH_PARAMETERS[parameter.name], parameter);
  }
  for (const [status, response] of Object.entries(operation.responses)) {
    if (response === undefined || '$ref' in response || response.description !== '') continue;
    response.description = SUCCESSES[status] ?? '';
  }
}

function sorted<T>(record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}

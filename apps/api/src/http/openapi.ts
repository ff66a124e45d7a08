import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { ErrorResponse } from './error-response';

const DESCRIPTION =
  'Publishes events to webhooks: signed, retried and recorded. Every error has the shape ErrorResponse; unknown fields are refused.';

/** The description of the API, in an order that depends on nothing but the code. */
export function buildOpenApi(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Trae Webhooks API')
    .setDescription(DESCRIPTION)
    .setVersion('1')
    .addSecurity('bearer', { type: 'http', scheme: 'bearer', description: 'A token of the tenant, `trae_…`' })
    .addSecurity('admin', { type: 'http', scheme: 'bearer', description: "The operator's ADMIN_TOKEN" })
    .addGlobalResponse({ status: 'default', description: 'Any other failure', type: ErrorResponse })
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    extraModels: [ErrorResponse],
    operationIdFactory: operationId,
  });
  return {
    ...document,
    paths: sorted(document.paths),
    components: { ...document.components, schemas: sorted(document.components?.schemas ?? {}) },
  };
}

/** `WebhooksController.list` as `webhooksList`. */
function operationId(controller: string, method: string): string {
  const feature = controller.replace(/Controller$/, '');
  return `${feature.charAt(0).toLowerCase()}${feature.slice(1)}${method.charAt(0).toUpperCase()}${method.slice(1)}`;
}

function sorted<T>(record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}

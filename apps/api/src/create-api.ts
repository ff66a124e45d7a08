import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import { Registry } from 'prom-client';
import type { Environment } from '#config/environment';
import type { Logger } from '#observability/logger';
import { NestLogger } from '#observability/nest-logger';
import { AppModule } from './app.module';
import { SlackCommands } from './chat/slack-commands';
import { useSlackRoutes } from './chat/slack-routes';
import { EventsController } from './events/events.controller';
import { usePublishRoute } from './events/publish-route';
import { Receiver } from './inbound/receive/receiver';
import { useReceiveRoutes } from './inbound/receive/receive-routes';
import { AuthGuard } from './authentication/auth.guard';
import { useJsonBodyParser } from './http/body-parser';
import { useClientIp } from './http/client-ip';
import { useConnectionLimits } from './http/connection-limits';
import { corsOptions } from './http/cors-options';
import { applyBodyLimits, fastifyOptions } from './http/fastify-options';
import { useGentleClose } from './http/gentle-close';
import { buildOpenApi } from './http/openapi';
import { useRawJson } from './http/raw-json';
import { useRequestLog } from './http/request-log';
import { useResponseHeaders } from './http/response-headers';

/** The API, ready to listen; neither Postgres nor Redis has to be there. */
export async function createApi(environment: Environment, logger: Logger): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter(fastifyOptions(environment));
  const fastify = adapter.getInstance();
  fastify.decorateRequest('caller', null);
  fastify.decorateRequest('rawBody', null);
  useClientIp(fastify, environment.trustedProxies);
  useConnectionLimits(fastify, environment, logger);
  useJsonBodyParser(fastify, environment.maxJsonDepth);
  applyBodyLimits(fastify, environment);
  useGentleClose(fastify);
  useRawJson(fastify);
  useResponseHeaders(fastify, environment.publicUrl);
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.with(environment, logger), adapter, {
    logger: new NestLogger(logger),
    bodyParser: false,
  });
  if (environment.corsAllowedOrigins.length > 0) app.enableCors(corsOptions(environment.corsAllowedOrigins));
  useRequestLog(fastify, logger, app.get(Registry));
  useReceiveRoutes(fastify, app.get(Receiver), {
    maxBodyBytes: environment.inboundMaxBodyBytes,
    hooks: environment.inboundHooks,
    logger,
  });
  useSlackRoutes(fastify, app.get(SlackCommands), logger);
  usePublishRoute(fastify, app.get(EventsController), app.get(AuthGuard), logger);
  SwaggerModule.setup('docs', app, () => buildOpenApi(app), {
    customSiteTitle: 'Trae Webhooks API',
    swaggerOptions: { persistAuthorization: true },
  });
  return app;
}

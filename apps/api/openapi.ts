import 'reflect-metadata';
import { writeFileSync } from 'node:fs';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { stringify } from 'yaml';
import { loadEnvironment } from '#config/environment';
import { createLogger } from '#observability/logger';
import { AppModule } from './src/app.module';
import { buildOpenApi } from './src/http/openapi';

/** The description depends on none of these; no database is asked. */
const ANY_ENVIRONMENT = {
  DATABASE_URL: 'postgres://localhost/none',
  ENCRYPTION_KEY: Buffer.alloc(32).toString('base64'),
};

void writeOpenApi(process.argv[2] ?? 'openapi.yaml');

/** Writes the description of the API; `preview` makes no provider, so nothing is connected to. */
async function writeOpenApi(path: string): Promise<void> {
  const module = AppModule.with(loadEnvironment(ANY_ENVIRONMENT), createLogger('silent', 'openapi'));
  const app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(), {
    preview: true,
    logger: ['error'],
    abortOnError: false,
  });
  writeFileSync(
    path,
    stringify(buildOpenApi(app), { lineWidth: 120, aliasDuplicateObjects: false, compat: 'yaml-1.1' }),
  );
}

import { createHash, timingSafeEqual } from 'node:crypto';
import { Controller, Get, Headers, HttpStatus, Inject, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Registry } from 'prom-client';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import { HealthChecks } from './health-checks';
import { Public } from './public-route';

/** As much of Fastify's reply as is needed here. */
interface Reply {
  code(status: number): Reply;
  type(contentType: string): Reply;
  header(name: string, value: string): Reply;
  send(body: unknown): void;
}

const WANTS_TOKEN = { statusCode: 401, code: 'unauthorized', message: '/metrics wants the METRICS_TOKEN', details: [] };

/** For the machinery around the apps: load balancers, orchestrators, Prometheus. */
@ApiExcludeController()
@Public()
@Controller()
export class HealthController {
  private readonly metricsHash: Buffer | null;

  constructor(
    @Inject(HealthChecks) private readonly health: HealthChecks,
    @Inject(Registry) private readonly registry: Registry,
    @Inject(ENVIRONMENT) { metricsToken }: Environment,
  ) {
    this.metricsHash = metricsToken === null ? null : sha256(metricsToken);
  }

  /** 200 as long as the process lives. */
  @Get('healthz')
  healthz(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** 200 while requests can be served, 503 otherwise; the body says what is wrong. */
  @Get('readyz')
  async readyz(@Res() reply: Reply): Promise<void> {
    const report = await this.health.report();
    reply.code(report.status === 'unavailable' ? HttpStatus.SERVICE_UNAVAILABLE : HttpStatus.OK).send(report);
  }

  /** With METRICS_TOKEN set, only to who presents it. */
  @Get('metrics')
  async metrics(@Headers('authorization') authorization: string | undefined, @Res() reply: Reply): Promise<void> {
    if (this.metricsHash !== null && !timingSafeEqual(sha256(bearerOf(authorization)), this.metricsHash)) {
      reply.code(HttpStatus.UNAUTHORIZED).header('www-authenticate', 'Bearer realm="metrics"').send(WANTS_TOKEN);
      return;
    }
    reply.type(this.registry.contentType).send(await this.registry.metrics());
  }
}

function bearerOf(authorization: string | undefined): string {
  return /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1] ?? '';
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

import { Controller, Get, HttpStatus, Inject, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Registry } from 'prom-client';
import { HealthChecks } from './health-checks';
import { Public } from './public-route';

/** As much of Fastify's reply as is needed here. */
interface Reply {
  code(status: number): Reply;
  type(contentType: string): Reply;
  send(body: unknown): void;
}

/** For the machinery around the apps: load balancers, orchestrators, Prometheus. */
@ApiExcludeController()
@Public()
@Controller()
export class HealthController {
  constructor(
    @Inject(HealthChecks) private readonly health: HealthChecks,
    @Inject(Registry) private readonly registry: Registry,
  ) {}

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

  @Get('metrics')
  async metrics(@Res() reply: Reply): Promise<void> {
    reply.type(this.registry.contentType).send(await this.registry.metrics());
  }
}

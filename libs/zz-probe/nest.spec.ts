import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { ApiProperty, DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { getDataSourceToken } from '@nestjs/typeorm';
import { Queue } from 'bullmq';
import { DataSource } from 'typeorm';
import { Agent } from 'undici';
import { Webhook } from 'standardwebhooks';
import * as client from 'prom-client';
import pino from 'pino';
import { IsString } from 'class-validator';

@Injectable()
class Greeter {
  greet(): string { return 'hello'; }
}
class Dto { @ApiProperty() @IsString() a!: string }
@Controller()
class C {
  constructor(private readonly greeter: Greeter) {}
  @Get() get(): string { return this.greeter.greet(); }
}
@Module({ controllers: [C], providers: [Greeter] })
class M {}

test('boots', async () => {
  const module = await Test.createTestingModule({ imports: [M] }).compile();
  const app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter());
  SwaggerModule.setup('docs', app, SwaggerModule.createDocument(app, new DocumentBuilder().build()));
  await app.init();
  const res = await app.inject({ method: 'GET', url: '/' });
  expect(res.body).toBe('hello');
  expect((await app.inject({ method: 'GET', url: '/docs' })).statusCode).toBeLessThan(400);
  await app.close();
  expect([Queue, DataSource, Agent, Webhook, client.Registry, pino, getDataSourceToken, Dto].every((x) => typeof x === 'function')).toBe(true);
});

import type { FastifyInstance } from 'fastify';
import type { Logger } from '#observability/logger';
import { answerError } from '../http/answer-error';
import type { SlackCommands } from './slack-commands';

/** Slack's largest command is 8,000 characters, URL-encoded. */
const MAX_BODY_BYTES = 65_536;

/** Where Slack posts slash commands: beside Nest's routes, since what is signed are the raw bytes of a form. */
export function useSlackRoutes(fastify: FastifyInstance, commands: SlackCommands, logger: Logger): void {
  void fastify.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.setErrorHandler((error, request, reply) => {
      answerError(error, request, reply, logger);
    });
    const parser = { parseAs: 'buffer', bodyLimit: MAX_BODY_BYTES } as const;
    scope.addContentTypeParser('application/x-www-form-urlencoded', parser, (_request, body, parsed) => {
      parsed(null, body);
    });
    scope.post<{ Params: { key: string } }>('/chat/slack/:key', async (request) => {
      const text = await commands.answer({
        urlKey: request.params.key,
        headers: request.headers,
        body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
        clientIp: request.clientIp,
        requestId: request.id,
        receivedAt: new Date(),
      });
      return { response_type: 'ephemeral', text };
    });
    done();
  });
}

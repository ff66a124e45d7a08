import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { contextValues, parseBody } from '../bodies/parse-body';
import { compileEndpointRules } from '../compile-endpoint-rules';
import type { InboundRequest } from '../inbound-request';
import { judgeRequest } from '../judge-request';
import { commandInputs } from './command-inputs';
import { parseHookFile, type ImportedHook } from './parse-hook-file';

const NOW = new Date('2026-03-01T12:00:00Z');

/** Every documented property. */
const HOOK = {
  id: 'redeploy-webhook',
  'execute-command': '/home/adnan/redeploy-go-webhook.sh',
  'command-working-directory': '/home/adnan/go',
  'response-message': 'I got the payload!',
  'response-headers': [{ name: 'Access-Control-Allow-Origin', value: '*' }],
  'success-http-response-code': 202,
  'incoming-payload-content-type': 'application/json',
  'http-methods': ['Post', 'PUT'],
  'include-command-output-in-response': true,
  'include-command-output-in-response-on-error': true,
  'parse-parameters-as-json': [{ source: 'payload', name: 'inner' }],
  'pass-arguments-to-command': [
    { source: 'payload', name: 'head_commit.id' },
    { source: 'payload', name: 'inner.deep' },
    { source: 'payload', name: 'missing' },
    { source: 'header', name: 'X-GitHub-Event' },
    { source: 'url', name: 'token' },
    { source: 'string', name: 'static' },
    { source: 'entire-payload' },
  ],
  'pass-environment-to-command': [
    { source: 'payload', name: 'pusher.name' },
    { source: 'payload', name: 'pusher.email', envname: 'EMAIL' },
    { source: 'payload', name: 'missing' },
  ],
  'pass-file-to-command': [
    { source: 'payload', name: 'binary', envname: 'ENV_VARIABLE', base64decode: true },
    { source: 'raw-request-body', name: 'body' },
  ],
  'trigger-rule': {
    and: [
      {
        match: {
          type: 'payload-hmac-sha256',
          secret: 'mysecret',
          parameter: { source: 'header', name: 'X-Hub-Signature-256' },
        },
      },
      { match: { type: 'value', value: 'refs/heads/master', parameter: { source: 'payload', name: 'ref' } } },
    ],
  },
  'trigger-rule-mismatch-http-response-code': 400,
  'trigger-signature-soft-failures': true,
};

function hooksOf(text: string): ImportedHook[] {
  const parsed = parseHookFile(text);
  if (!('hooks' in parsed)) throw new Error(JSON.stringify(parsed.problems));
  return parsed.hooks;
}

function problemsOf(...hooks: unknown[]): { field: string; message: string }[] {
  const parsed = parseHookFile(JSON.stringify(hooks));
  return 'problems' in parsed ? parsed.problems : [];
}

function requestOf(payload: unknown): InboundRequest {
  const body = Buffer.from(JSON.stringify(payload));
  const signature = `sha256=${createHmac('sha256', 'mysecret').update(body).digest('hex')}`;
  const headers = { 'x-hub-signature-256': signature, 'x-github-event': 'push' };
  return { method: 'POST', headers, query: { token: 't' }, body, ip: '203.0.113.7', receivedAt: NOW };
}

describe('parseHookFile', () => {
  it.each([
    ['JSON', JSON.stringify([HOOK])],
    ['YAML', stringify([HOOK])],
  ])('makes of a hook with every documented property, in %s, an endpoint that behaves', (_, text) => {
    const [hook] = hooksOf(text);
    expect(hook).toMatchObject({
      id: 'redeploy-webhook',
      response: {
        status: 202,
        headers: { 'access-control-allow-origin': '*' },
        message: 'I got the payload!',
        wait: true,
      },
      command: {
        command: '/home/adnan/redeploy-go-webhook.sh',
        working_directory: '/home/adnan/go',
        include_output: true,
        include_output_on_error: true,
      },
    });
    const compiled = compileEndpointRules(hook!.settings, [], 1_000_000);
    if (!('rules' in compiled)) throw new Error('no rules');
    expect(compiled.rules).toMatchObject({
      methods: ['POST', 'PUT'],
      contentType: 'application/json',
      triggerMismatchStatus: 400,
      triggerSignatureSoftFailures: true,
    });
    const payload = {
      ref: 'refs/heads/master',
      head_commit: { id: 'abc' },
      inner: '{"deep":{"n":1}}',
      pusher: { name: 'Jeff', email: 'j@example.com' },
      binary: 'AP8=',
    };
    const request = requestOf(payload);
    expect(judgeRequest(compiled.rules, request, NOW)).toMatchObject({ outcome: 'accepted', status: 200 });
    expect(judgeRequest(compiled.rules, requestOf({ ...payload, ref: 'x' }), NOW)).toMatchObject({
      outcome: 'ignored',
      status: 400,
    });
    expect(judgeRequest(compiled.rules, { ...request, body: Buffer.from('{}') }, NOW).outcome).toBe('rejected');
  });

  it('gives the command what it refers to', () => {
    const [hook] = hooksOf(JSON.stringify([HOOK]));
    const request = requestOf({ head_commit: { id: 'abc\0d' }, pusher: { name: 'Jeff', email: 'e' }, binary: 'AP8=' });
    const parsed = parseBody('application/json', request.body);
    if (!('payload' in parsed)) throw new Error('no payload');
    expect(commandInputs(hook!.command, contextValues(request, parsed))).toEqual({
      arguments: ['abcd', '', '', 'push', 't', 'static', JSON.stringify(parsed.payload)],
      environment: { 'HOOK_pusher.name': 'Jeff', EMAIL: 'e' },
      files: [
        { envname: 'ENV_VARIABLE', content: Buffer.from([0, 255]) },
        { envname: 'HOOK_BODY', content: request.body },
      ],
      missing: ['payload missing', 'payload inner.deep', 'payload missing'],
    });
  });

  it('takes every method and no signature when the hook says nothing', () => {
    const [hook] = hooksOf('- id: a\n  execute-command: /bin/true\n');
    expect(hook).toMatchObject({
      settings: { signature: { scheme: 'none' }, methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] },
      response: { status: 200, headers: {}, message: '', wait: false },
      command: { working_directory: null, arguments: [], environment: [], files: [] },
    });
  });

  const MINIMAL = { id: 'a', 'execute-command': '/bin/true' };
  it.each<[unknown, string, RegExp]>([
    [7, 'hooks[0]', /object/],
    [{ ...MINIMAL, id: '' }, 'hooks[0].id', /1 to 255/],
    [{ id: 'a' }, 'hooks[0].execute-command', /is required/],
    [{ ...MINIMAL, 'execute-comand': 'x' }, 'hooks[0].execute-comand', /not known/],
    [{ ...MINIMAL, 'pre-hook-command': 'x' }, 'hooks[0].pre-hook-command', /cannot be imported/],
    [{ ...MINIMAL, 'http-methods': ['FETCH'] }, 'hooks[0].http-methods', /GET, HEAD/],
    [{ ...MINIMAL, 'http-methods': 'POST' }, 'hooks[0].http-methods', /list/],
    [{ ...MINIMAL, 'success-http-response-code': 99 }, 'hooks[0].success-http-response-code', /200 to 599/],
    [
      { ...MINIMAL, 'trigger-rule-mismatch-http-response-code': 99 },
      'hooks[0].trigger-rule-mismatch-http-response-code',
      /200 to 599/,
    ],
    [{ ...MINIMAL, 'response-message': 7 }, 'hooks[0].response-message', /text/],
    [
      { ...MINIMAL, 'response-headers': [{ name: 'a b', value: 'c' }] },
      'hooks[0].response-headers[0].name',
      /header's name/,
    ],
    [
      { ...MINIMAL, 'response-headers': [{ name: 'a', value: 'c\r\nd' }] },
      'hooks[0].response-headers[0].value',
      /line ends/,
    ],
    [
      { ...MINIMAL, 'include-command-output-in-response': 'yes' },
      'hooks[0].include-command-output-in-response',
      /true or false/,
    ],
    [
      { ...MINIMAL, 'pass-arguments-to-command': [{ source: 'x' }] },
      'hooks[0].pass-arguments-to-command[0].source',
      /one of payload/,
    ],
    [
      { ...MINIMAL, 'pass-arguments-to-command': [{ source: 'template', name: '{{ .Payload.x }}' }] },
      'hooks[0].pass-arguments-to-command[0].source',
      /Go templates/,
    ],
    [
      { ...MINIMAL, 'pass-environment-to-command': [{ source: 'payload', name: 'a', envname: 'A=B' }] },
      'hooks[0].pass-environment-to-command[0].envname',
      /variable/,
    ],
    [
      { ...MINIMAL, 'pass-file-to-command': [{ source: 'payload', name: 'a', base64decode: 1 }] },
      'hooks[0].pass-file-to-command[0].base64decode',
      /true or false/,
    ],
    [
      { ...MINIMAL, 'parse-parameters-as-json': [{ source: 'string', name: 'a' }] },
      'hooks[0].parse-parameters-as-json[0].source',
      /payload, header/,
    ],
    [
      { ...MINIMAL, 'trigger-rule': { and: [{ match: { type: 'x' } }] } },
      'hooks[0].trigger-rule.and[0].match.type',
      /one of value/,
    ],
    [
      { ...MINIMAL, 'incoming-payload-content-type': 'image/png' },
      'hooks[0].incoming-payload-content-type',
      /application\/json/,
    ],
  ])('refuses %j', (hook, field, message) => {
    expect(problemsOf(hook)).toContainEqual({ field, message: expect.stringMatching(message) as string });
  });

  it('refuses two hooks of the same id', () => {
    expect(problemsOf(MINIMAL, { ...MINIMAL, id: 'b' }, MINIMAL)).toEqual([
      { field: 'hooks[2].id', message: 'is the same as that of hooks[0]' },
    ]);
  });

  it.each([
    ['[{"id": "a", "execute-command": "x", "trigger-rule": {{ getenv "RULE" }} }]', /Go template/],
    ['- id: a\n  execute-command: \'{{ getenv "COMMAND" | js }}\'\n', /Go template/],
    ['{{ range . }}- id: a{{ end }}', /Go template/],
    ['', /list of 1 to/],
    ['{}', /list of 1 to/],
    ['[]', /list of 1 to/],
    ['[{]', /neither JSON nor YAML/],
    ['- id: a\n  id: b\n', /neither JSON nor YAML/],
    [' '.repeat(1_048_577), /at most 1048576 bytes/],
    [
      `- &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghij'.replace(/./g, (letter) => `- &${letter} [${`*${String.fromCharCode(letter.charCodeAt(0) - 1)},`.repeat(9)}]\n`)}`,
      /neither JSON nor YAML/,
    ],
  ])('refuses the file %j', (text, message) => {
    expect(parseHookFile(text)).toEqual({
      problems: [{ field: 'file', message: expect.stringMatching(message) as string }],
    });
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => typeof parseHookFile(text) === 'object'));
    fc.assert(fc.property(fc.jsonValue(), (value) => typeof parseHookFile(JSON.stringify([value])) === 'object'));
  });
});

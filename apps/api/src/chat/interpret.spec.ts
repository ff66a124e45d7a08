import { AppError, notFound } from '#kernel/app-error';
import { referenceCommands } from '../../../../test/support/reference';
import type { ChatAction, ChatEndpoint, ChatEndpoints, NewChatAction } from './chat-endpoints';
import { interpret } from './interpret';

const AT = new Date('2026-03-09T10:00:00Z');

describe('chat commands', () => {
  let calls: unknown[][];
  let channel: string | null;
  let scopes: string[];
  let actions: ChatAction[];

  beforeEach(() => {
    calls = [];
    channel = 'telegram';
    scopes = ['inbound:read', 'inbound:write'];
    actions = [];
  });

  const endpoint = (name: string): ChatEndpoint => ({
    name,
    url: `https://hooks.example.com/webhooks/k3y/${name}`,
    description: 'Signals',
    enabled: true,
    debug: false,
    scheme: 'webhook',
    createdAt: AT,
    triggerCount: 2,
    lastTriggeredAt: AT,
    actions,
  });

  /** Remembers what it was asked for. */
  const endpoints: ChatEndpoints = {
    require(scope) {
      if (!scopes.includes(scope)) throw new AppError(403, 'missing_scope', `The token lacks the scope ${scope}`);
    },
    create: (input) => note('create', input, { endpoint: endpoint(input.name), secret: input.secret ?? 'generated' }),
    list: () => note('list', null, { endpoints: [endpoint('trading-signals')], total: 3 }),
    get: (name) =>
      name === 'nowhere' ? Promise.reject(notFound('Inbound endpoint')) : note('get', name, endpoint(name)),
    regenerate: (name) => note('regenerate', name, { url: endpoint(name).url, secret: 'new' }),
    delete: (name) => note('delete', name, undefined),
    test: (name, payload) =>
      note('test', [name, payload], {
        status: 'accepted',
        responseStatus: 200,
        steps: [{ step: 'signature', passed: true, detail: 'Signed by the newest secret' }],
        actions: [{ type: 'notify', status: 'succeeded', detail: null }],
      }),
    logs: (name, limit) =>
      note(
        'logs',
        [name, limit],
        [{ id: 'req_1', receivedAt: AT, status: 'accepted', responseStatus: 200, ip: '192.0.2.1', payload: '{"a":1}' }],
      ),
    setDebug: (name, on) => note('setDebug', [name, on], undefined),
    addAction: (name, action: NewChatAction) =>
      note('addAction', [name, action], {
        id: 'action_1',
        type: action.type,
        summary: 'telegram',
        condition: action.condition,
      }),
    removeAction: (name, id) => note('removeAction', [name, id], undefined),
    defaultChannel: () => Promise.resolve(channel),
  };

  function note<T>(method: string, given: unknown, answer: T): Promise<T> {
    calls.push([method, given]);
    return Promise.resolve(answer);
  }

  const say = (command: string): Promise<string> => interpret(command, endpoints);

  const commands = referenceCommands().map((line) => line.split(/\s{2,}/)[0]!);

  it('has the commands of the reference to try', () => {
    expect(commands).toHaveLength(15);
  });

  it.each(commands)('understands %s', async (command) => {
    const answer = await say(command.replace('add execute', 'add execute place-order'));
    expect(answer).not.toMatch(/Usage|no command|no option/);
    expect(calls).toHaveLength(1);
  });

  it('makes an endpoint with a secret of its own, and shows URL and secret', async () => {
    expect(await say('/webhook create alerts --secret abc123')).toBe(
      'Created alerts.\nURL: https://hooks.example.com/webhooks/k3y/alerts\nSecret (shown this once): abc123\nSignature: webhook',
    );
    expect(calls).toEqual([['create', { name: 'alerts', secret: 'abc123' }]]);
  });

  it('sends a payload that was typed', async () => {
    expect(await say(`/webhook test alerts '{"signal":"BUY"}'`)).toBe(
      'Test of alerts: accepted, answered with 200\n✓ signature: Signed by the newest secret\n→ notify: succeeded',
    );
    expect(calls).toEqual([['test', ['alerts', { signal: 'BUY' }]]]);
  });

  it('never shows the secret of an endpoint that exists', async () => {
    actions = [{ id: 'action_1', type: 'notify', summary: 'telegram', condition: 'payload.x > 1' }];
    expect(await say('/webhook info alerts')).toBe(
      [
        'alerts',
        'Signals',
        'URL: https://hooks.example.com/webhooks/k3y/alerts',
        'Signature: webhook',
        'State: enabled, debug mode off',
        'Created: 2026-03-09T10:00:00.000Z',
        'Triggered: 2 times, last 2026-03-09T10:00:00.000Z',
        'Actions: 1',
        '• action_1 notify: telegram — if payload.x > 1',
      ].join('\n'),
    );
  });

  it('notifies the default channel when none is named, and says how to set one when there is none', async () => {
    await say('/webhook action alerts add notify');
    expect(calls).toEqual([
      [
        'addAction',
        [
          'alerts',
          {
            type: 'notify',
            settings: { channels: ['telegram'] },
            condition: null,
          },
        ],
      ],
    ]);
    channel = null;
    expect(await say('/webhook action alerts add notify')).toMatch(/no default channel.*is_default/su);
    expect(calls).toHaveLength(1);
  });

  it.each([
    [
      `add notify telegram,discord --template 'New: {{symbol}}' --if 'payload.x > 1'`,
      {
        type: 'notify',
        settings: { channels: ['telegram', 'discord'], template: 'New: {{symbol}}' },
        condition: 'payload.x > 1',
      },
    ],
    ['add execute place-order', { type: 'execute', settings: { handler: 'place-order' }, condition: null }],
    ['add execute https://a.example/b', { type: 'execute', settings: { url: 'https://a.example/b' }, condition: null }],
    ['add forward https://a.example/b', { type: 'forward', settings: { url: 'https://a.example/b' }, condition: null }],
    ['add forward signal.received', { type: 'forward', settings: { event: 'signal.received' }, condition: null }],
    ['add log history', { type: 'log', settings: { table: 'history' }, condition: null }],
  ])('adds an action: %s', async (text, action) => {
    await say(`/webhook action alerts ${text}`);
    expect(calls).toEqual([['addAction', ['alerts', action]]]);
  });

  it.each([
    ['/webhook', /\/webhook create <name>.*\/webhook action <name> add notify/su],
    ['help', /\/webhook logs <name>/],
    ['/webhook crate x', /There is no command crate\. Did you mean create\?/],
    ['/webhook frobnicate', /There is no command frobnicate\. All of them: \/webhook help/],
    ['/webhook constructor', /There is no command constructor/],
    ['/webhook create', /^Usage: \/webhook create <name>/],
    ['/webhook info a b', /^Usage: \/webhook info <name>/],
    ['/webhook logs a 1000', /from 1 to 50/],
    ['/webhook debug a maybe', /^Usage: \/webhook debug/],
    ['/webhook test a {signal', /not valid JSON/],
    [`/webhook test a 'b`, /is not closed/],
    ['/webhook action a', /^Usage: \/webhook action/],
    ['/webhook action a ad notify', /Did you mean add\?/],
    ['/webhook action a add', /notify, execute, forward, log/],
    ['/webhook action a add notfy', /Did you mean notify\?/],
    ['/webhook action a add execute', /Say what to execute/],
    ['/webhook action a add log a b', /^Usage/],
    ['/webhook info nowhere', /^Inbound endpoint not found$/],
    [`/webhook test a ${'x'.repeat(9_000)}`, /at most 8000 characters/],
  ])('answers %s with help', async (command, answer) => {
    expect(await say(command)).toMatch(answer);
  });

  it('changes nothing for who may only read', async () => {
    scopes = ['inbound:read'];
    for (const command of [
      'create a',
      'delete a',
      'regenerate a',
      'test a',
      'debug a',
      'action a add log t',
      'action a remove x',
    ]) {
      expect(await say(`/webhook ${command}`)).toBe('The token lacks the scope inbound:write');
    }
    expect(calls).toEqual([]);
    expect(await say('/webhook url a')).toBe('https://hooks.example.com/webhooks/k3y/a');
  });

  it('does not hide what went wrong on our side', async () => {
    const broken = { ...endpoints, list: () => Promise.reject(new Error('broken')) };
    await expect(interpret('/webhook list', broken)).rejects.toThrow('broken');
  });
});

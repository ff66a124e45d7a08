import type { ErrorDetail } from '#kernel/app-error';
import { compileMapping } from './mapping';
import type { RequestContext } from './request-context';
import { compileTemplate } from './template';

const CONTEXT: RequestContext = {
  payload: {
    action: 'BUY',
    symbol: 'BTC',
    price: 100000,
    nothing: null,
    order: { items: [{ name: 'a <b>' }], ok: true },
    'order.id': 'dotted',
    metadata: { ip: 'forged' },
  },
  headers: { 'x-github-event': 'push' },
  query: { q: 'go' },
  metadata: { id: 'req_1', endpoint: 'signals', method: 'POST', ip: '203.0.113.7', timestamp: '2026-03-01T12:00:00Z' },
};

function render(source: unknown, escape = (value: string) => value) {
  const problems: ErrorDetail[] = [];
  const template = compileTemplate(source, 'template', problems);
  return template?.render(CONTEXT, escape) ?? problems[0]?.message;
}

describe('compileTemplate', () => {
  it.each([
    ['新信号: {{action}} {{symbol}} @ {{price}}', '新信号: BUY BTC @ 100000'],
    ['{{ payload.order.items.0.name }}', 'a <b>'],
    ['{{order.id}}', 'dotted'],
    ['{{order}}', '{"items":[{"name":"a <b>"}],"ok":true}'],
    ['{{headers.X-GitHub-Event}} {{query.q}} {{metadata.endpoint}}', 'push go signals'],
    ['{{metadata.ip}} {{payload.metadata.ip}}', '203.0.113.7 forged'],
    ['[{{nothing}}]', '[]'],
    ['{{{action}}}', '{BUY}'],
    ['no place { } at all', 'no place { } at all'],
  ])('renders %s', (source, text) => {
    expect(render(source)).toEqual({ text, missing: [] });
  });

  it('leaves empty what is missing, and says so', () => {
    expect(render('{{a}}-{{order.items.1.name}}-{{constructor}}-{{headers.__proto__}}-{{action}}')).toEqual({
      text: '----BUY',
      missing: ['a', 'order.items.1.name', 'constructor', 'headers.__proto__'],
    });
  });

  it('escapes values and not the text around them', () => {
    expect(render('<b>{{order.items.0.name}}</b>', (value) => value.replaceAll('<', '&lt;'))).toMatchObject({
      text: '<b>a &lt;b></b>',
    });
  });

  it.each<[unknown, RegExp]>([
    ['', /1 to 10000/],
    [7, /1 to 10000/],
    ['x'.repeat(10_001), /1 to 10000/],
    ['{{action', /do not belong together/],
    ['action}}', /do not belong together/],
    ['{{}}', /path only/],
    ['{{#if action}}x{{/if}}', /path only/],
    ['{{ .Payload }}', /path only/],
    ['{{if .x}}', /path only/],
    ['{{a}}'.repeat(101), /more than 100 places/],
  ])('refuses %j', (source, message) => {
    expect(render(source)).toEqual(expect.stringMatching(message));
  });

  it('takes time linear in the template', () => {
    const beganAt = performance.now();
    render(`{{${' '.repeat(9_990)}`);
    render('{{'.repeat(4_900));
    expect(performance.now() - beganAt).toBeLessThan(1_000);
  });
});

describe('compileMapping', () => {
  function map(given: unknown) {
    const problems: ErrorDetail[] = [];
    return compileMapping(given, 'mapping', problems)?.(CONTEXT) ?? problems;
  }

  it('keeps the type of what a whole text stands for', () => {
    expect(
      map({
        side: '{{action}}',
        price: '{{ price }}',
        all: ['{{order}}', 'is {{action}}', 7, null, true, ''],
        no: '{{x}}',
        t: '{{y}}!',
      }),
    ).toEqual({
      value: {
        side: 'BUY',
        price: 100000,
        all: [{ items: [{ name: 'a <b>' }], ok: true }, 'is BUY', 7, null, true, ''],
        no: null,
        t: '!',
      },
      missing: ['x', 'y'],
    });
    expect(map('{{payload}}')).toEqual({ value: CONTEXT.payload, missing: [] });
  });

  it('names the place of what is wrong', () => {
    expect(map({ a: [{ b: '{{' }] })).toEqual([
      { field: 'mapping.a[0].b', message: expect.stringContaining('belong together') as string },
    ]);
    expect(map(undefined)).toEqual([{ field: 'mapping', message: 'is required' }]);
    expect(map(Array.from({ length: 600 }, () => 1))).toEqual([
      { field: 'mapping[499]', message: expect.stringContaining('at most 500') as string },
    ]);
    expect(map(JSON.parse('['.repeat(30) + ']'.repeat(30)))).toEqual([
      { field: expect.any(String) as string, message: expect.stringContaining('20 levels') as string },
    ]);
  });
});

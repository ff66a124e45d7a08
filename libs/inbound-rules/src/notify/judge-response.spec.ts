import { judgeChannelResponse } from './judge-response';

type Kind = Parameters<typeof judgeChannelResponse>[0];

function judge(kind: Kind, status: number, body: unknown, retryAfterMs: number | null = null) {
  return judgeChannelResponse(kind, {
    status,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    retryAfterMs,
  });
}

describe('judgeChannelResponse', () => {
  it.each<[Kind, number, unknown]>([
    ['telegram', 200, { ok: true, result: {} }],
    ['discord', 204, ''],
    ['slack', 200, 'ok'],
    ['dingtalk', 200, { errcode: 0, errmsg: 'ok' }],
    ['feishu', 200, { code: 0, msg: 'success', data: {} }],
    ['feishu', 200, { StatusCode: 0, StatusMessage: 'success' }],
    ['wecom', 200, { errcode: 0, errmsg: 'ok' }],
    ['http', 202, ''],
  ])('takes a message to %s for sent when it answers %s %j', (kind, status, body) => {
    expect(judge(kind, status, body)).toEqual({ outcome: 'sent' });
  });

  it.each<[Kind, number, unknown, RegExp]>([
    [
      'telegram',
      400,
      { ok: false, error_code: 400, description: 'Bad Request: chat not found' },
      /400: Bad Request: chat/,
    ],
    ['telegram', 200, { ok: false }, /200/],
    ['discord', 404, { message: 'Unknown Webhook', code: 10015 }, /404: Unknown Webhook/],
    ['slack', 403, 'invalid_token', /403: invalid_token/],
    ['dingtalk', 200, { errcode: 310000, errmsg: 'sign not match' }, /310000: sign not match/],
    ['feishu', 200, { code: 19021, msg: 'sign match fail' }, /19021: sign match fail/],
    ['wecom', 200, { errcode: 93000, errmsg: 'invalid webhook url' }, /93000: invalid/],
    ['wecom', 200, '<html>', /no code: <html>/],
    ['http', 302, '', /302/],
  ])('gives up when %s answers %s %j', (kind, status, body, reason) => {
    expect(judge(kind, status, body)).toEqual({ outcome: 'failed', reason: expect.stringMatching(reason) as string });
  });

  it.each<[Kind, number, unknown, number | null, number | null]>([
    ['telegram', 429, { ok: false, parameters: { retry_after: 35 } }, null, 35_000],
    ['discord', 429, { message: 'You are being rate limited.', retry_after: 0.357, global: false }, 1_000, 357],
    ['slack', 429, 'rate_limited', 30_000, 30_000],
    ['http', 503, '', null, null],
    ['dingtalk', 200, { errcode: 130101, errmsg: 'send too fast' }, null, null],
    ['dingtalk', 200, { errcode: -1, errmsg: 'system busy' }, null, null],
    ['feishu', 200, { code: 11232, msg: 'frequency limited' }, null, null],
    ['wecom', 200, { errcode: 45009, errmsg: 'api freq out of limit' }, null, null],
  ])('tries again when %s answers %s %j', (kind, status, body, header, retryAfterMs) => {
    expect(judge(kind, status, body, header)).toMatchObject({ outcome: 'retry', retryAfterMs });
  });

  it('keeps reasons short', () => {
    const verdict = judge('http', 400, 'x'.repeat(10_000));
    expect('reason' in verdict && verdict.reason.length).toBe(200);
  });
});

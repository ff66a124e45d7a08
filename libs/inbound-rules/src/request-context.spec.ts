import { contextOf } from './request-context';

describe('contextOf', () => {
  it('has the first value of each header and parameter, and where and when the request came from', () => {
    const request = {
      method: 'post',
      headers: { 'x-one': 'a', 'x-two': ['b', 'c'], 'x-none': [] },
      query: { q: ['1', '2'] },
      body: Buffer.alloc(0),
      ip: '203.0.113.7',
      receivedAt: new Date('2026-03-01T12:00:00Z'),
    };
    expect(contextOf(request, { a: 1 }, { id: 'req_1', endpoint: 'signals' })).toEqual({
      payload: { a: 1 },
      headers: { 'x-one': 'a', 'x-two': 'b' },
      query: { q: '1' },
      metadata: {
        id: 'req_1',
        endpoint: 'signals',
        method: 'POST',
        ip: '203.0.113.7',
        timestamp: '2026-03-01T12:00:00Z',
      },
    });
  });
});

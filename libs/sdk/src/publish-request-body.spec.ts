import { batchRequestBody, publishRequestBody } from './publish-request-body';

describe('publishRequestBody', () => {
  it('names the fields as the API does and leaves out what is not given', () => {
    const body = publishRequestBody({
      event: 'build.completed',
      data: { build_id: 'build_123' },
      projectId: 'proj_123',
      timestamp: new Date(Date.UTC(2024, 0, 1, 12, 2)),
      eventId: 'build_123:completed',
      orderingKey: 'build_123',
      deliverAt: '2024-01-02T12:00:00Z',
      priority: 'high',
      version: '2',
    });
    expect(JSON.parse(body.toString())).toEqual({
      event: 'build.completed',
      data: { build_id: 'build_123' },
      project_id: 'proj_123',
      timestamp: '2024-01-01T12:02:00.000Z',
      event_id: 'build_123:completed',
      ordering_key: 'build_123',
      deliver_at: '2024-01-02T12:00:00Z',
      priority: 'high',
      version: '2',
    });
    expect(publishRequestBody({ event: 'build.failed', data: {} }).toString()).toBe(
      '{"event":"build.failed","data":{}}',
    );
  });

  it.each([
    ['text', '{ "id": 12345678901234567890, "ratio": 1.0 }'],
    ['bytes', Buffer.from('{ "id": 12345678901234567890, "ratio": 1.0 }')],
  ])('keeps data given as %s byte for byte', (_form, data) => {
    expect(publishRequestBody({ event: 'build.completed', data }).toString()).toContain(
      '"data":{ "id": 12345678901234567890, "ratio": 1.0 }}',
    );
  });

  it.each([
    ['text that would end data and add fields', '{},"priority":"high"'],
    ['a list', '[]'],
    ['null', 'null'],
    ['no JSON', '{'],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['an object that says it is a text', new Date(0)],
    ['an object that says it is nothing', { toJSON: () => undefined }],
    ['an object that cannot be written', { count: 1n }],
  ])('refuses as data %s', (_what, data) => {
    expect(() => publishRequestBody({ event: 'build.completed', data })).toThrow(
      expect.objectContaining({
        status: 400,
        code: 'invalid_request',
        details: [expect.objectContaining({ field: 'data' })],
      }) as Error,
    );
  });

  it('refuses a date that is none', () => {
    expect(() => publishRequestBody({ event: 'build.completed', data: {}, deliverAt: new Date('soon') })).toThrow(
      'deliver_at: must be a valid date',
    );
  });
});

describe('batchRequestBody', () => {
  it('makes a list of what single events would be', () => {
    const events = [1, 2].map((build) => ({ event: 'build.completed', data: { build } }));
    expect(JSON.parse(batchRequestBody(events).toString())).toEqual({ events });
    expect(batchRequestBody([]).toString()).toBe('{"events":[]}');
  });
});

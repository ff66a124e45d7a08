import { TenantDatabase } from '#database/tenant-database';
import { startApi, type TestApi } from '../support/api';
import { APP_ENVIRONMENT, startService, type TestService } from '../support/apps-in-process';
import { describeEachBackend } from '../support/backends';
import { makeTenant, type TestTenant } from '../support/factories';
import { TEST_SECRET, startReceiver, type Receiver } from '../support/receiver';
import { waitFor } from '../support/wait-for';

const V1 = { type: 'object', required: ['invoice_id'], properties: { invoice_id: { type: 'string' } } };
const V2 = { ...V1, required: ['invoice_id', 'currency'] };
const WRONG = { event: 'build.completed', data: { build_id: 7, project_id: 'proj_1' } };
const WARNINGS = [{ field: 'data.build_id', message: 'must be string' }];
/** Instances promise a second; the rest is for a busy machine. */
const NOTICED_WITHIN_MS = 3_000;

describeEachBackend('publishing', (backend) => {
  let service: TestService;
  let api: TestApi;
  let tenant: TestTenant;
  let mine: ReturnType<TestApi['as']>;

  beforeAll(async () => {
    service = await startService(backend);
    api = service.api;
  });

  afterAll(() => service.stop());

  beforeEach(async () => {
    tenant = await makeTenant(api);
    mine = api.as(tenant.token);
  });

  const publish = (body: object) => mine.post('/api/events').send(body);
  const setModes = (schema_validation: object) =>
    mine.put('/api/event-type-settings').send({ schema_validation }).expect(200);
  const makeInvoicePaid = async (): Promise<void> => {
    await mine.post('/api/event-types').send({ name: 'invoice.paid', schema: V1 }).expect(201);
  };

  describe('data that does not satisfy its schema', () => {
    it('of a built-in type is accepted with warnings', async () => {
      const answer = await publish(WRONG).expect(202);
      expect(answer.body).toMatchObject({ status: 'accepted', duplicate: false, warnings: WARNINGS });
      const right = await publish({ ...WRONG, data: { ...WRONG.data, build_id: 'build_1' } }).expect(202);
      expect(right.body).not.toHaveProperty('warnings');
    });

    it('of an own type is refused with 422 naming the place', async () => {
      await makeInvoicePaid();
      const refused = await publish({ event: 'invoice.paid', data: {} }).expect(422);
      expect(refused.body).toMatchObject({
        statusCode: 422,
        code: 'schema_violation',
        message: 'The data does not satisfy version 1 of invoice.paid: data.invoice_id: is required',
        details: [{ field: 'data.invoice_id', message: 'is required' }],
      });
      await publish({ event: 'invoice.paid', data: { invoice_id: 'inv_1' } }).expect(202);
      expect((await mine.get('/api/events').expect(200)).body).toMatchObject({ events: [{ version: '1' }] });
    });

    it('is judged as the tenant set it', async () => {
      await makeInvoicePaid();
      const set = await setModes({ built_in: 'enforce' });
      expect(set.body).toEqual({ schema_validation: { built_in: 'enforce', own: 'enforce' } });
      await publish(WRONG).expect(422);
      await setModes({ built_in: 'off', own: 'warn' });
      expect((await mine.get('/api/event-type-settings').expect(200)).body).toEqual({
        schema_validation: { built_in: 'off', own: 'warn' },
      });
      expect((await publish(WRONG).expect(202)).body).not.toHaveProperty('warnings');
      const warned = await publish({ event: 'invoice.paid', data: {} }).expect(202);
      expect(warned.body).toMatchObject({ warnings: [{ field: 'data.invoice_id', message: 'is required' }] });
      for (const wrong of [{ own: 'strict' }, { own: null }, { other: 'off' }]) {
        await mine.put('/api/event-type-settings').send({ schema_validation: wrong }).expect(400);
      }
    });

    it('concerns no other event of its batch', async () => {
      await makeInvoicePaid();
      const invoice = (data: object) => ({ event: 'invoice.paid', data });
      const answer = await mine
        .post('/api/events/batch')
        .send({ events: [invoice({ invoice_id: 'a' }), invoice({}), WRONG] })
        .expect(202);
      expect(answer.body).toMatchObject({
        accepted: 2,
        rejected: 1,
        events: [
          { status: 'accepted' },
          {
            status: 'rejected',
            error: { statusCode: 422, code: 'schema_violation', details: [{ field: 'data.invoice_id' }] },
          },
          { status: 'accepted', warnings: WARNINGS },
        ],
      });
    });

    it('is counted', async () => {
      await publish(WRONG).expect(202);
      const { text } = await api.anonymous.get('/metrics').expect(200);
      expect(text).toMatch(/webhooks_schema_violations_total\{origin="built_in",outcome="warned"\} [1-9]/);
    });
  });

  it('an own type without a schema takes any data', async () => {
    await mine.post('/api/event-types').send({ name: 'plain' }).expect(201);
    const answer = await publish({ event: 'plain', data: { any: [null] } }).expect(202);
    expect(answer.body).not.toHaveProperty('warnings');
  });

  it('takes the newest version unless an older one is named', async () => {
    await makeInvoicePaid();
    await mine.put('/api/event-types/invoice.paid').send({ schema: V2 }).expect(200);
    const versionOf = async (body: object): Promise<string> => {
      const { event_id } = (await publish(body).expect(202)).body as { event_id: string };
      return ((await mine.get(`/api/events/${event_id}`).expect(200)).body as { version: string }).version;
    };
    const old = { event: 'invoice.paid', data: { invoice_id: 'inv_1' } };
    const refused = await publish(old).expect(422);
    expect(refused.body).toMatchObject({ details: [{ field: 'data.currency' }] });
    expect(await versionOf({ ...old, data: { invoice_id: 'inv_1', currency: 'EUR' } })).toBe('2');
    expect(await versionOf({ ...old, version: '1' })).toBe('1');
    for (const version of ['3', '0', '01', 1, {}]) {
      const unknown = await publish({ ...old, version }).expect(400);
      expect(unknown.body).toMatchObject({ details: [{ field: 'version' }] });
    }
    await publish({ ...WRONG, version: '2' }).expect(400);
  });

  it('ends when a type is archived, as does subscribing', async () => {
    await makeInvoicePaid();
    const webhook = { url: 'http://127.0.0.1:9/', name: 'Test', events: ['invoice.paid'] };
    const before = await mine.post('/api/webhooks').send(webhook).expect(201);
    await publish({ event: 'invoice.paid', data: { invoice_id: 'inv_1' } }).expect(202);
    await mine.delete('/api/event-types/invoice.paid').expect(200);
    const refused = await publish({ event: 'invoice.paid', data: { invoice_id: 'inv_1' } }).expect(400);
    expect(refused.body).toMatchObject({ details: [{ field: 'event' }] });
    await mine.post('/api/webhooks').send(webhook).expect(400);
    // Who had it keeps it, and so does the history.
    const { webhook_id } = before.body as { webhook_id: string };
    expect((await mine.get(`/api/webhooks/${webhook_id}`).expect(200)).body).toMatchObject({
      events: ['invoice.paid'],
    });
    const events = await mine.get('/api/events?event_type=invoice.paid').expect(200);
    expect((events.body as { events: unknown[] }).events).toHaveLength(1);
  });

  it('asks the database nothing about types that it knows', async () => {
    await makeInvoicePaid();
    const invoice = { event: 'invoice.paid', data: { invoice_id: 'inv_1' } };
    await publish(invoice).expect(202);
    const run = jest.spyOn(api.app.get(TenantDatabase), 'run');
    try {
      for (let round = 0; round < 5; round += 1) await publish(round % 2 === 0 ? invoice : WRONG).expect(202);
      expect(run).not.toHaveBeenCalled();
      await mine.get('/api/event-types').expect(200);
      expect(run).toHaveBeenCalledTimes(1);
    } finally {
      run.mockRestore();
    }
  });

  it('knows on every instance within a second what another one changed', async () => {
    const other = await startApi({
      databaseUrl: service.databaseUrl,
      env: { ...APP_ENVIRONMENT, ...service.env },
    });
    try {
      const there = other.as(tenant.token);
      const statusThere = async (data: object): Promise<number> =>
        (await there.post('/api/events').send({ event: 'invoice.paid', data })).status;
      const becomes = (status: number, data: object): Promise<void> =>
        waitFor(`status ${status} there`, async () => (await statusThere(data)) === status, NOTICED_WITHIN_MS);
      expect(await statusThere({})).toBe(400);
      await makeInvoicePaid();
      await becomes(202, { invoice_id: 'inv_1' });
      expect(await statusThere({})).toBe(422);
      await mine.put('/api/event-types/invoice.paid').send({ schema: V2 }).expect(200);
      await becomes(422, { invoice_id: 'inv_1' });
      await setModes({ own: 'off' });
      await becomes(202, {});
      await mine.delete('/api/event-types/invoice.paid').expect(200);
      await becomes(400, {});
    } finally {
      await other.stop();
    }
  });

  describe('to webhooks', () => {
    let receiver: Receiver;

    beforeEach(async () => {
      receiver = await startReceiver();
    });

    afterEach(() => receiver.stop());

    const makeWebhook = async (path: string, more: object) => {
      const body = {
        url: `${receiver.origin}/${path}`,
        name: path,
        events: ['invoice.*'],
        secret: TEST_SECRET,
        ...more,
      };
      return (await mine.post('/api/webhooks').send(body).expect(201)).body as {
        webhook_id: string;
        event_versions?: object;
      };
    };
    const versionsAt = (path: string): unknown[] =>
      receiver.requests
        .filter((request) => request.path === `/${path}`)
        .map((request) => request.headers['x-trae-version'])
        .sort();

    it('names the version, and gives those that pin one no other', async () => {
      await makeInvoicePaid();
      await mine.put('/api/event-types/invoice.paid').send({ schema: V2 }).expect(200);
      expect(await makeWebhook('any', {})).not.toHaveProperty('event_versions');
      const pinned = await makeWebhook('first', { event_versions: { 'invoice.paid': '1' } });
      expect(pinned.event_versions).toEqual({ 'invoice.paid': '1' });
      await makeWebhook('second', { events: ['*'], event_versions: { 'invoice.paid': '2' } });
      await makeWebhook('elsewhere', { events: ['*'], event_versions: { 'build.failed': '1' } });
      await publish({ event: 'invoice.paid', version: '1', data: { invoice_id: 'inv_1' } }).expect(202);
      await publish({ event: 'invoice.paid', data: { invoice_id: 'inv_1', currency: 'EUR' } }).expect(202);
      await receiver.waitFor(6);
      expect([versionsAt('any'), versionsAt('first'), versionsAt('second'), versionsAt('elsewhere')]).toEqual([
        ['1', '2'],
        ['1'],
        ['2'],
        ['1', '2'],
      ]);
    });

    it('gives a pin that is taken away its effect on the next event', async () => {
      await makeInvoicePaid();
      await mine.put('/api/event-types/invoice.paid').send({ schema: V2 }).expect(200);
      await makeWebhook('any', {});
      const { webhook_id } = await makeWebhook('pinned', { event_versions: { 'invoice.paid': '2' } });
      const first = { event: 'invoice.paid', version: '1', data: { invoice_id: 'inv_1' } };
      await publish(first).expect(202);
      // All deliveries of an event are made at once: once this one came, there is none to the other webhook.
      await receiver.waitFor(1);
      const changed = await mine.put(`/api/webhooks/${webhook_id}`).send({ event_versions: {} }).expect(200);
      expect(changed.body).not.toHaveProperty('event_versions');
      await publish(first).expect(202);
      await receiver.waitFor(3);
      expect([versionsAt('any'), versionsAt('pinned')]).toEqual([['1', '1'], ['1']]);
    });

    it('refuses pins of versions that do not exist', async () => {
      const body = { url: receiver.origin, name: 'Test', events: ['*'] };
      for (const event_versions of [
        { 'build.failed': '2' },
        { 'invoice.paid': '1' },
        { 'build.failed': 1 },
        [],
        'x',
        { a: {} },
      ]) {
        const refused = await mine
          .post('/api/webhooks')
          .send({ ...body, event_versions })
          .expect(400);
        expect(refused.body).toMatchObject({ details: [{ field: 'event_versions' }] });
      }
    });
  });
});

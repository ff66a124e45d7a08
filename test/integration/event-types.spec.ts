import { startApi, type TestApi } from '../support/api';
import { makeTenant, makeToken, type TestTenant } from '../support/factories';
import { createTestDatabase, type TestDatabase } from '../support/postgres';
import { queryRows } from '../support/query-rows';

const SCHEMA = {
  type: 'object',
  required: ['invoice_id'],
  properties: { invoice_id: { type: 'string' }, amount: { type: 'number' } },
};
const EXAMPLE = { invoice_id: 'inv_1', amount: 4.5 };
const INVOICE = { name: 'invoice.paid', description: 'An invoice was paid.', schema: SCHEMA, example: EXAMPLE };

interface TypeBody {
  name: string;
  version: string;
  versions: string[];
  schema: object | null;
  example: object | null;
  archived_at: string | null;
}
interface ListBody {
  event_types: TypeBody[];
  total: number;
}

describe('event types', () => {
  let database: TestDatabase;
  let api: TestApi;
  let tenant: TestTenant;
  let mine: ReturnType<TestApi['as']>;

  beforeAll(async () => {
    database = await createTestDatabase();
    api = await startApi({ databaseUrl: database.url });
  });

  afterAll(async () => {
    await api.stop();
    await database.drop();
  });

  beforeEach(async () => {
    tenant = await makeTenant(api);
    mine = api.as(tenant.token);
  });

  const list = async (query = ''): Promise<ListBody> =>
    (await mine.get(`/api/event-types${query}`).expect(200)).body as ListBody;
  const names = async (query = ''): Promise<string[]> => (await list(query)).event_types.map((type) => type.name);

  describe('that are built in', () => {
    it('are listed with schema and example', async () => {
      const { event_types: types, total } = await list();
      expect(total).toBe(19);
      expect(types).toHaveLength(19);
      expect(types.find((type) => type.name === 'build.started')).toMatchObject({
        description: 'A build began.',
        version: '1',
        versions: ['1'],
        schema: { required: ['build_id', 'project_id'] },
        example: { build_id: 'build_123', trigger: 'push' },
        built_in: true,
        created_at: null,
        updated_at: null,
        archived_at: null,
      });
    });

    it('are read one by one', async () => {
      const one = await mine.get('/api/event-types/security.alert?version=1').expect(200);
      expect(one.body).toEqual((await list()).event_types.find((type) => type.name === 'security.alert'));
      await mine.get('/api/event-types/security.alert?version=2').expect(404);
    });

    it('cannot be made, changed or archived', async () => {
      const made = await mine.post('/api/event-types').send({ name: 'build.failed' }).expect(409);
      expect(made.body).toMatchObject({ code: 'event_type_exists' });
      for (const refused of [
        await mine.put('/api/event-types/build.failed').send({ description: 'x' }),
        await mine.delete('/api/event-types/build.failed'),
      ]) {
        expect([refused.status, (refused.body as { code: string }).code]).toEqual([409, 'built_in_event_type']);
      }
    });
  });

  describe('of a tenant', () => {
    it('are made in version 1', async () => {
      const made = await mine.post('/api/event-types').send(INVOICE).expect(201);
      expect(made.body).toEqual({
        ...INVOICE,
        version: '1',
        versions: ['1'],
        built_in: false,
        created_at: expect.stringMatching(/Z$/) as string,
        updated_at: expect.stringMatching(/Z$/) as string,
        archived_at: null,
      });
      expect((await mine.get('/api/event-types/invoice.paid').expect(200)).body).toEqual(made.body);
      const again = await mine.post('/api/event-types').send(INVOICE).expect(409);
      expect(again.body).toMatchObject({ code: 'event_type_exists' });
    });

    it('may have neither schema nor example', async () => {
      const made = await mine.post('/api/event-types').send({ name: 'plain', schema: null }).expect(201);
      expect(made.body).toMatchObject({ description: '', schema: null, example: null });
    });

    it('get a new version with a new schema only, beside the old ones', async () => {
      await mine.post('/api/event-types').send(INVOICE).expect(201);
      const described = await mine.put('/api/event-types/invoice.paid').send({ description: 'Paid.' }).expect(200);
      expect(described.body).toMatchObject({ description: 'Paid.', version: '1', schema: SCHEMA, example: EXAMPLE });
      const same = { ...SCHEMA, properties: { amount: { type: 'number' }, invoice_id: { type: 'string' } } };
      const unchanged = await mine.put('/api/event-types/invoice.paid').send({ schema: same }).expect(200);
      expect(unchanged.body).toMatchObject({ version: '1' });

      const stricter = { ...SCHEMA, required: ['invoice_id', 'currency'] };
      const second = await mine.put('/api/event-types/invoice.paid').send({ schema: stricter }).expect(200);
      // The old example does not satisfy it.
      expect(second.body).toMatchObject({ version: '2', versions: ['1', '2'], schema: stricter, example: null });
      const first = await mine.get('/api/event-types/invoice.paid?version=1').expect(200);
      expect(first.body).toMatchObject({ version: '1', versions: ['1', '2'], schema: SCHEMA, example: EXAMPLE });
      await mine.get('/api/event-types/invoice.paid?version=3').expect(404);
      await mine.get('/api/event-types/invoice.paid?version=x').expect(404);

      const third = await mine.put('/api/event-types/invoice.paid').send({ schema: null, example: { any: 1 } });
      expect(third.body).toMatchObject({ version: '3', schema: null, example: { any: 1 } });
    });

    it('change their example without a new version', async () => {
      await mine.post('/api/event-types').send(INVOICE).expect(201);
      const other = await mine.put('/api/event-types/invoice.paid').send({ example: { invoice_id: 'inv_2' } });
      expect(other.body).toMatchObject({ version: '1', example: { invoice_id: 'inv_2' } });
      const wrong = await mine
        .put('/api/event-types/invoice.paid')
        .send({ example: { invoice_id: 2 } })
        .expect(400);
      expect(wrong.body).toMatchObject({ details: [{ field: 'example.invoice_id', message: 'must be string' }] });
    });

    it('are archived, still readable, and come back with a new version', async () => {
      await mine.post('/api/event-types').send(INVOICE).expect(201);
      const archived = await mine.delete('/api/event-types/invoice.paid').expect(200);
      expect(archived.body).toEqual({
        message: 'Event type archived successfully',
        name: 'invoice.paid',
        archived_at: expect.stringMatching(/Z$/) as string,
      });
      expect(await names('?built_in=false')).toEqual([]);
      expect(await names('?archived=true')).toEqual(['invoice.paid']);
      const read = await mine.get('/api/event-types/invoice.paid').expect(200);
      expect(read.body).toMatchObject({ schema: SCHEMA, archived_at: expect.stringMatching(/Z$/) as string });
      for (const refused of [
        await mine.put('/api/event-types/invoice.paid').send({ description: 'x' }),
        await mine.delete('/api/event-types/invoice.paid'),
      ]) {
        expect([refused.status, (refused.body as { code: string }).code]).toEqual([409, 'event_type_archived']);
      }
      const back = await mine.post('/api/event-types').send({ name: 'invoice.paid' }).expect(201);
      expect(back.body).toMatchObject({ version: '2', versions: ['1', '2'], schema: null, archived_at: null });
    });

    it('are listed after the built-in ones, by page and pattern', async () => {
      for (const name of ['order.paid', 'build.cached', 'invoice.paid', 'invoice']) {
        await mine.post('/api/event-types').send({ name }).expect(201);
      }
      expect((await list()).total).toBe(23);
      expect(await names('?offset=17&limit=4')).toEqual(['user.logout', 'security.alert', 'build.cached', 'invoice']);
      expect(await names('?offset=22')).toEqual(['order.paid']);
      expect(await names('?built_in=false')).toEqual(['build.cached', 'invoice', 'invoice.paid', 'order.paid']);
      expect((await list('?built_in=true')).total).toBe(19);
      expect(await names('?pattern=build.*')).toEqual([
        'build.started',
        'build.completed',
        'build.failed',
        'build.cached',
      ]);
      expect(await names('?pattern=invoice.*')).toEqual(['invoice.paid']);
      expect(await names('?pattern=invoice')).toEqual(['invoice']);
      await mine.get('/api/event-types?pattern=in*').expect(400);
    });

    it.each<[object, string]>([
      [{}, 'name'],
      [{ name: 'invoice paid' }, 'name'],
      [{ name: 'invoice.*' }, 'name'],
      [{ name: 1 }, 'name'],
      [{ name: 'webhook.mine' }, 'name'],
      [{ name: 'delivery.mine' }, 'name'],
      [{ name: 'test.mine' }, 'name'],
      [{ name: 'a', schema: true }, 'schema'],
      [{ name: 'a', schema: { type: 'strin' } }, 'schema.type'],
      [{ name: 'a', schema: { properties: { b: { pattern: '(?=b)' } } } }, 'schema.properties.b.pattern'],
      [{ name: 'a', schema: { $ref: 'https://example.com/schema' } }, 'schema.$ref'],
      [{ name: 'a', schema: { description: 'x'.repeat(65_536) } }, 'schema'],
      [{ name: 'a', schema: SCHEMA, example: {} }, 'example.invoice_id'],
      [{ name: 'a', example: [] }, 'example'],
      [{ name: 'a', description: null }, 'description'],
      [{ name: 'a', version: '2' }, 'version'],
    ])('are refused naming what is wrong: %#', async (body, field) => {
      const refused = await mine.post('/api/event-types').send(body).expect(400);
      expect(refused.body).toMatchObject({ code: 'invalid_request', details: [{ field }] });
    });

    it('keep every member of schema and example, whatever it is called', async () => {
      const json =
        '{"name":"odd","schema":{"properties":{"__proto__":{"type":"string"},"constructor":{"type":"number"}}},' +
        '"example":{"__proto__":"\\u0000","constructor":1,"b":"\\ud800"}}';
      const made = await mine.post('/api/event-types').set('content-type', 'application/json').send(json).expect(201);
      expect(made.text).toContain('"__proto__":{"type":"string"},"constructor":{"type":"number"}');
      expect(made.text).toContain('"example":{"__proto__":"\\u0000","constructor":1,"b":"\\ud800"}');
    });

    it('are at most 500, and at most 100 versions of one', async () => {
      const id = '(SELECT id FROM tenants ORDER BY id DESC LIMIT 1)';
      await queryRows(
        database.url,
        `INSERT INTO event_types (tenant_id, name, description, version)
         SELECT ${id}, 'type.' || n, '', 100 FROM generate_series(1, 499) n`,
      );
      await queryRows(
        database.url,
        `INSERT INTO event_type_versions (tenant_id, name, version) SELECT tenant_id, name, version FROM event_types WHERE tenant_id = ${id}`,
      );
      await mine.post('/api/event-types').send({ name: 'the.last' }).expect(201);
      const beyond = await mine.post('/api/event-types').send({ name: 'one.more' }).expect(409);
      expect(beyond.body).toMatchObject({ code: 'event_type_limit_reached' });
      const versions = await mine.put('/api/event-types/type.1').send({ schema: SCHEMA }).expect(409);
      expect(versions.body).toMatchObject({ code: 'version_limit_reached' });
      await mine.delete('/api/event-types/type.1').expect(200);
      await mine.post('/api/event-types').send({ name: 'one.more' }).expect(201);
    });

    it('cannot be made twice at the same time', async () => {
      const both = await Promise.all([1, 2].map(() => mine.post('/api/event-types').send(INVOICE)));
      expect(both.map((made) => made.status).sort()).toEqual([201, 409]);
    });
  });

  it('of another tenant do not exist', async () => {
    const other = api.as((await makeTenant(api)).token);
    await mine.post('/api/event-types').send(INVOICE).expect(201);
    await other.get('/api/event-types/invoice.paid').expect(404);
    await other.put('/api/event-types/invoice.paid').send({ description: 'x' }).expect(404);
    await other.delete('/api/event-types/invoice.paid').expect(404);
    expect((await other.get('/api/event-types').expect(200)).text).not.toContain('invoice.paid');
    await other.post('/api/events').send({ event: 'invoice.paid', data: EXAMPLE }).expect(400);
    await other.post('/api/event-types').send({ name: 'invoice.paid' }).expect(201);
  });

  it('need the scope, and a token for the whole tenant to be changed', async () => {
    const reader = api.as((await makeToken(api, tenant, ['event-types:read'])).token);
    const bound = api.as((await makeToken(api, tenant, ['*'], { project_id: 'proj_1' })).token);
    const stranger = api.as((await makeToken(api, tenant, ['webhooks:write'])).token);
    await reader.get('/api/event-types').expect(200);
    await reader.get('/api/event-type-settings').expect(200);
    await bound.get('/api/event-types').expect(200);
    await stranger.get('/api/event-types').expect(403);
    for (const token of [reader, bound, stranger]) {
      await token.post('/api/event-types').send(INVOICE).expect(403);
      await token
        .put('/api/event-type-settings')
        .send({ schema_validation: { own: 'off' } })
        .expect(403);
    }
    await mine.post('/api/event-types').send(INVOICE).expect(201);
    await bound.put('/api/event-types/invoice.paid').send({ description: 'x' }).expect(403);
    await bound.delete('/api/event-types/invoice.paid').expect(403);
  });

  it('of names that cannot be are not found', async () => {
    for (const name of ['%00', 'a%20b', '..%2f', 'constructor', 'x'.repeat(200)]) {
      for (const response of [
        await mine.get(`/api/event-types/${name}`),
        await mine.put(`/api/event-types/${name}`).send({ description: 'x' }),
        await mine.delete(`/api/event-types/${name}`),
      ]) {
        expect([name, response.status]).toEqual([name, 404]);
      }
    }
  });
});

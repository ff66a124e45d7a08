import { startApi, type TestApi } from '../support/api';
import { DESCRIPTION, DESCRIPTION_TEXT, OPERATIONS, type DescribedOperation } from '../support/api-description';
import { createTestDatabase, type TestDatabase } from '../support/postgres';
import { ResponseSchemas } from '../support/response-schemas';

/**
 * Answered to machines and browsers, not to clients of the API (docs/operating.md); and where outside systems post to,
 * who sign as they do and are answered what the endpoint's owner has set (docs/api-guide.md).
 */
const NOT_DESCRIBED = /^\/(chat\/slack\/:key|healthz|readyz|metrics|docs.*|webhooks\/:key\/:name)$/;

describe('the description of the API', () => {
  let database: TestDatabase;
  let api: TestApi;
  const schemas = new ResponseSchemas();

  beforeAll(async () => {
    database = await createTestDatabase();
    api = await startApi({ databaseUrl: database.url });
  });

  afterAll(async () => {
    await api.stop();
    await database.drop();
  });

  const each = OPERATIONS.map((operation): [string, DescribedOperation] => [operation.name, operation]);

  it('that is committed is the one the running API serves (npm run openapi writes it)', async () => {
    const served = await api.anonymous.get('/docs-json').expect(200);
    expect(DESCRIPTION).toEqual(served.body);
  });

  it('has every route of the API', () => {
    const described = new Set(OPERATIONS.map(({ method, path }) => `${method.toUpperCase()} ${path}`));
    const fastify = api.app.getHttpAdapter().getInstance() as unknown as RoutePrinter;
    const served = routesOf(fastify.printRoutes({ commonPrefix: false }))
      .filter(({ path }) => !NOT_DESCRIBED.test(path))
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
    expect(new Set(served)).toEqual(described);
    expect(described.size).toBeGreaterThan(30);
  });

  it.each(each)('says all there is to say of %s', (_name, described) => {
    const { id, operation, method, pathParameters, isOperators, isPublic } = described;
    expect(id).toMatch(/^[a-z]+([A-Z][a-z]+)*$/);
    expect(operation.summary).toMatch(/^[A-Z].+[^.]$/);
    expect(operation.tags).toHaveLength(1);
    // Which ones ask for no token is walls.spec.ts's to say.
    expect(operation.security).toHaveLength(isPublic ? 0 : 1);
    const parameters = (operation.parameters ?? []) as { name: string; in: string; description?: string }[];
    expect(parameters.filter(({ description = '' }) => description === '')).toEqual([]);
    expect(parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)).toEqual(pathParameters);
    const keys = parameters.map((parameter) => `${parameter.in} ${parameter.name.toLowerCase()}`);
    expect(new Set(keys).size).toBe(keys.length);

    const statuses = Object.keys(operation.responses);
    const successes = statuses.filter((status) => status.startsWith('2'));
    // A dry run is answered at once, what it tries out is accepted.
    expect(successes).toHaveLength(id === 'redeliverMany' ? 2 : 1);
    const hasInput = method !== 'get' || parameters.length > 0;
    expect(statuses).toEqual(
      expect.arrayContaining([
        ...(hasInput ? ['400'] : []),
        ...(isPublic ? [] : ['401']),
        ...(isOperators || isPublic ? [] : ['403']),
        ...(pathParameters.length > 0 ? ['404'] : []),
        ...(operation.requestBody === undefined ? [] : ['413', '415']),
        '503',
        'default',
      ]),
    );
    for (const [status, response] of Object.entries(operation.responses)) {
      const { description, content } = resolve(response);
      expect(description).toMatch(/^[A-Z].+[^.]$/s);
      const { example, schema } = content?.['application/json'] ?? {};
      expect(schemas.problemOf(described, Number(status), example)).toBeNull();
      if (status.startsWith('2')) continue;
      expect(schema).toEqual({ $ref: '#/components/schemas/ErrorResponse' });
      if (status !== 'default') expect(example).toMatchObject({ statusCode: Number(status) });
    }
    if (operation.requestBody !== undefined) expect(schemas.problemOfBody(described)).toBeNull();
  });

  it('has nothing that other readers of YAML take for a date, a number or a boolean', () => {
    for (const [, value = ''] of DESCRIPTION_TEXT.matchAll(
      /^\s*(?:- )?[\w-]+: (\d{4}-\d{2}-\d{2}\S*|yes|no|on|off)$/gm,
    )) {
      expect(value).toBe('quoted');
    }
  });

  it('is shown by pages that load everything from here, as their policy demands', async () => {
    const page = await api.anonymous.get('/docs').expect(200);
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'self'");
    expect(policy).not.toMatch(/script-src|connect-src/);
    expect(page.text).not.toMatch(/<script(?![^>]*\ssrc=)[^>]*>/);
    const sources = [...page.text.matchAll(/(?:src|href)=["']([^"']+)["']/g)].map((match) => match[1] ?? '');
    expect(sources.length).toBeGreaterThan(3);
    for (const source of sources) {
      const path = new URL(source, `${api.url}/docs`);
      expect(path.origin).toBe(api.url);
      await api.anonymous.get(path.pathname).expect(200);
    }
  });

  it('lets its pages authorize and try out: they have the schemes, and call the server that they came from', async () => {
    const script = await api.anonymous.get('/docs/swagger-ui-init.js').expect(200);
    const options = readOptions(script.text);
    expect(options.swaggerDoc).toEqual(DESCRIPTION);
    expect(options.customOptions.persistAuthorization).toBe(true);
    expect(DESCRIPTION.servers).toEqual([{ url: '/', description: expect.any(String) as string }]);
    expect(DESCRIPTION.components?.securitySchemes).toMatchObject({
      bearer: { type: 'http', scheme: 'bearer' },
      admin: { type: 'http', scheme: 'bearer' },
    });
  });
});

interface RoutePrinter {
  printRoutes(options: { commonPrefix: boolean }): string;
}

/** The routes of Fastify's tree, whose lines are indented by four characters a level. */
function routesOf(tree: string): { method: string; path: string }[] {
  const parents: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', part = '', methods = ''] = /^([│ ]*)[├└]── (\S+)(?: \(([^)]+)\))?/.exec(line) ?? [];
    const level = indent.length / 4;
    parents.splice(level, Infinity, part);
    const path = parents.join('');
    const named = methods.split(', ').filter((method) => method !== '' && method !== 'HEAD' && method !== 'OPTIONS');
    return named.map((method) => ({ method, path }));
  });
}

interface Body {
  description?: string;
  content?: Record<string, { schema?: object; example?: unknown }>;
}

/** A request body or response, also one that is referred to. */
function resolve(given: object | undefined): Body {
  const { $ref } = given as { $ref?: string };
  if ($ref === undefined) return given as Body;
  const responses = DESCRIPTION.components?.responses as Record<string, Body>;
  return responses[$ref.slice($ref.lastIndexOf('/') + 1)] ?? {};
}

/** What the page hands to Swagger UI. */
function readOptions(script: string): { swaggerDoc: object; customOptions: { persistAuthorization?: boolean } } {
  const json = /let options = (\{[\s\S]*?\n\});/.exec(script)?.[1];
  if (json === undefined) throw new Error('the script of the page has no options');
  return JSON.parse(json) as ReturnType<typeof readOptions>;
}

import { compileEndpointRules, type EndpointSettings } from './compile-endpoint-rules';

const MATCH = { type: 'value', value: 'x', parameter: { source: 'payload', name: 'ref' } };

function compile(settings: EndpointSettings) {
  return compileEndpointRules(settings, ['secret'], 1_000_000);
}

describe('compileEndpointRules', () => {
  it('needs nothing: signed POST requests from anywhere are taken', () => {
    expect(compile({})).toEqual({
      rules: {
        methods: ['POST'],
        allowedIps: null,
        signature: { scheme: 'webhook' },
        secrets: ['secret'],
        contentType: null,
        bodyKinds: null,
        schema: null,
        jsonParameters: [],
        triggerRule: null,
        triggerMismatchStatus: null,
        triggerSignatureSoftFailures: false,
        dedupe: null,
        maxBodyBytes: 1_000_000,
      },
    });
  });

  it.each([
    ['github', { header: 'x-github-delivery' }],
    ['standard-webhooks', { header: 'webhook-id' }],
    ['slack', { path: 'event_id' }],
  ])('knows repetitions of the scheme %s by what its sender gives them', (scheme, dedupe) => {
    expect(compile({ signature: scheme })).toMatchObject({ rules: { dedupe } });
    expect(compile({ signature: { scheme }, dedupe: null })).toMatchObject({ rules: { dedupe: null } });
  });

  it.each<[EndpointSettings, string, RegExp]>([
    [{ methods: ['CONNECT'] }, 'methods', /GET, HEAD, POST/],
    [{ methods: [] }, 'methods', /GET, HEAD, POST/],
    [{ allowed_ips: '10.0.0.1' }, 'allowed_ips', /list/],
    [{ allowed_ips: ['10.0.0.1', '10.0.0.1/33'] }, 'allowed_ips[1]', /CIDR/],
    [{ allowed_ips: ['example.com'] }, 'allowed_ips[0]', /CIDR/],
    [{ signature: { scheme: 'md5' } }, 'signature.scheme', /one of webhook, simple/],
    [{ signature: { scheme: 'github', header: 'x' } }, 'signature.header', /not known here/],
    [{ signature: { scheme: 'hmac' } }, 'signature.header', /required/],
    [{ signature: { scheme: 'hmac', header: 'a b' } }, 'signature.header', /header's name/],
    [{ signature: { scheme: 'hmac', header: 'x', algorithm: 'md5' } }, 'signature.algorithm', /sha1, sha256, sha512/],
    [{ signature: { scheme: 'hmac', header: 'x', encoding: 'utf8' } }, 'signature.encoding', /hex, base64/],
    [{ signature: { scheme: 'hmac', header: 'x', prefix: 7 } }, 'signature.prefix', /text/],
    [{ signature: { scheme: 'slack', tolerance_seconds: 0 } }, 'signature.tolerance_seconds', /1 to 86400/],
    [
      { signature: { scheme: 'hmac', header: 'x', signed_content: '{id}.{body}' } },
      'signature.signed_content',
      /braces/,
    ],
    [{ signature: { scheme: 'hmac', header: 'x', signed_content: 'a' } }, 'signature.signed_content', /\{body\}/],
    [
      { signature: { scheme: 'hmac', header: 'x', signed_content: '{timestamp}.{body}' } },
      'signature.signed_content',
      /timestamp_header/,
    ],
    [{ content_type: 'image/png' }, 'content_type', /application\/json/],
    [{ body_kinds: ['yaml'] }, 'body_kinds', /json, form, multipart, xml, text/],
    [{ schema: { type: 'strin' } }, 'schema.type', /./],
    [{ parse_as_json: [{ source: 'request', name: 'method' }] }, 'parse_as_json[0].source', /payload, header/],
    [{ trigger_mismatch_status: 42 }, 'trigger_mismatch_status', /200 to 599/],
    [{ trigger_signature_soft_failures: 'yes' }, 'trigger_signature_soft_failures', /true or false/],
    [{ dedupe: { cookie: 'x' } }, 'dedupe', /header/],
    [{ dedupe: { path: '' } }, 'dedupe.path', /1 to 255/],
    [{ max_body_bytes: 1_000_001 }, 'max_body_bytes', /1 to 1000000/],
    [{ trigger_rule: {} }, 'trigger_rule', /exactly one of and, or, not, match/],
    [{ trigger_rule: { and: [], or: [] } }, 'trigger_rule', /exactly one/],
    [{ trigger_rule: { and: [] } }, 'trigger_rule.and', /not empty/],
    [{ trigger_rule: { or: [{ match: MATCH }, { match: 7 }] } }, 'trigger_rule.or[1].match', /object/],
    [{ trigger_rule: { not: { match: { ...MATCH, type: 'x' } } } }, 'trigger_rule.not.match.type', /one of value/],
    [{ trigger_rule: { match: { ...MATCH, value: {} } } }, 'trigger_rule.match.value', /text/],
    [{ trigger_rule: { match: { ...MATCH, regex: 'x' } } }, 'trigger_rule.match.regex', /not known here/],
    [
      { trigger_rule: { match: { type: 'regex', regex: '(?=a)', parameter: MATCH.parameter } } },
      'trigger_rule.match.regex',
      /RE2/,
    ],
    [
      { trigger_rule: { match: { type: 'payload-hmac-sha256', secret: '', parameter: MATCH.parameter } } },
      'trigger_rule.match.secret',
      /1 to/,
    ],
    [
      { trigger_rule: { match: { type: 'ip-whitelist', 'ip-range': '10.0.0.0/8 x' } } },
      'trigger_rule.match.ip-range[1]',
      /CIDR/,
    ],
    [
      { trigger_rule: { match: { ...MATCH, parameter: { source: 'cookie' } } } },
      'trigger_rule.match.parameter.source',
      /one of/,
    ],
    [
      { trigger_rule: { match: { ...MATCH, parameter: { source: 'template', name: '{{ . }}' } } } },
      'trigger_rule.match.parameter.source',
      /Go templates/,
    ],
    [
      { trigger_rule: { match: { ...MATCH, parameter: { source: 'request', name: 'host' } } } },
      'trigger_rule.match.parameter.name',
      /method, remote-addr/,
    ],
  ])('refuses %j', (settings, field, message) => {
    const compiled = compile(settings);
    if (!('problems' in compiled)) throw new Error('was taken');
    expect(compiled.problems).toContainEqual({ field, message: expect.stringMatching(message) as string });
  });

  it('refuses a trigger rule that is too deep or too much', () => {
    let deep: unknown = { match: MATCH };
    for (let depth = 0; depth < 1_000; depth += 1) deep = { not: deep };
    expect(compile({ trigger_rule: deep })).toMatchObject({
      problems: [{ message: expect.stringContaining('20 levels') as string }],
    });
    const many = { or: Array.from({ length: 201 }, () => ({ match: MATCH })) };
    expect(compile({ trigger_rule: many })).toMatchObject({
      problems: [{ message: expect.stringContaining('at most 200') as string }],
    });
  });

  it('names every field that is wrong at once', () => {
    const compiled = compile({ methods: 7, dedupe: 7, signature: 7 });
    expect('problems' in compiled && compiled.problems.map(({ field }) => field)).toEqual([
      'signature.scheme',
      'methods',
      'dedupe',
    ]);
  });
});

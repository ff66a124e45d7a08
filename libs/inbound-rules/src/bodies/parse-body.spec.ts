import fc from 'fast-check';
import { parseBody } from './parse-body';

function payloadOf(type: string | null, body: string | Buffer): unknown {
  const parsed = parseBody(type, Buffer.from(body));
  if (!('payload' in parsed)) throw new Error(`${parsed.status} ${parsed.message}`);
  return parsed.payload;
}

function kindOf(type: string | null, body: string): string {
  const parsed = parseBody(type, Buffer.from(body));
  return 'payload' in parsed ? parsed.kind : String(parsed.status);
}

function statusOf(type: string | null, body: string | Buffer): number {
  const parsed = parseBody(type, Buffer.from(body));
  return 'payload' in parsed ? 200 : parsed.status;
}

const XML = 'application/xml';
const MULTIPART = 'multipart/form-data; boundary="X-1"';

function multipart(...parts: [headers: string, content: string | Buffer][]): Buffer {
  const pieces = parts.flatMap(([headers, content]) => [`--X-1\r\n${headers}\r\n\r\n`, content, '\r\n']);
  return Buffer.concat([...pieces, '--X-1--\r\n'].map((piece) => Buffer.from(piece)));
}

describe('parseBody', () => {
  it.each([
    ['application/json', '{"a":1}', 'json'],
    ['application/json; charset=UTF-8', '{"a":1}', 'json'],
    ['application/vnd.github+json', '{"a":1}', 'json'],
    ['APPLICATION/JSON', '[1]', 'json'],
    ['application/json', '\ufeff{}', 'json'],
    ['application/x-www-form-urlencoded', 'a=1', 'form'],
    ['text/xml', '<a/>', 'xml'],
    ['application/soap+xml; charset="utf-8"', '<a/>', 'xml'],
    ['text/plain', '{"a":1}', 'text'],
    ['text/csv', 'a,b', 'text'],
    [null, '{"a":1}', 'json'],
    [null, 'hello', 'text'],
    ['application/json', '', 'empty'],
    ['image/png', '', 'empty'],
  ])('reads a body of the type %s that is %j as %s', (type, body, kind) => {
    expect(kindOf(type, body)).toBe(kind);
  });

  it.each([
    ['application/json', '{"a":1', 400],
    ['application/json', '<a/>', 400],
    ['application/json', Buffer.from([0x22, 0xff, 0x22]), 400],
    ['application/json; charset=utf-16', '{}', 415],
    ['application/json; charset=iso-8859-1', '{}', 415],
    ['application/json', '['.repeat(101) + ']'.repeat(101), 422],
    [null, '['.repeat(101) + ']'.repeat(101), 422],
    [null, Buffer.from([0xff, 0xfe]), 400],
    ['application/octet-stream', 'a', 415],
    ['image/png', 'a', 415],
    ['nonsense', 'a', 415],
    ['', 'a', 415],
    [`text/plain; a=${'x'.repeat(600)}`, 'a', 415],
    ['application/x-www-form-urlencoded', 'a=%ff', 400],
    ['application/x-www-form-urlencoded', 'a=%zz', 400],
    ['application/x-www-form-urlencoded', 'a&'.repeat(10_001), 400],
    [XML, '<a><b></a>', 400],
    [XML, 'a', 400],
    [XML, '<a/><b/>', 400],
    [XML, '<a b="1" b="2"/>', 400],
    [XML, '<a>&undefined;</a>', 400],
    [XML, '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', 422],
    [XML, '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', 422],
    [XML, '<a>'.repeat(101) + '</a>'.repeat(101), 422],
    ['multipart/form-data', 'a', 415],
    [MULTIPART, 'a', 400],
    [MULTIPART, '--X-1\r\nContent-Disposition: form-data; name="a"\r\n\r\n1', 400],
    [MULTIPART, '--X-1\r\n\r\n1\r\n--X-1--', 400],
    [MULTIPART, multipart(['Content-Disposition: form-data', '1']), 400],
    [MULTIPART, multipart(['Content-Disposition: form-data; name="a"\r\nContent-Type: application/json', '{']), 400],
  ])('refuses a body of the type %s that is %j with %s', (type, body, status) => {
    expect(statusOf(type, body)).toBe(status);
  });

  it('takes 100 levels, brackets in strings not counted', () => {
    expect(statusOf('application/json', '['.repeat(100) + ']'.repeat(100))).toBe(200);
    expect(statusOf('application/json', JSON.stringify({ a: `\\"${'[{'.repeat(200)}` }))).toBe(200);
    expect(statusOf(XML, '<a>'.repeat(100) + '</a>'.repeat(100))).toBe(200);
  });

  it('reads any JSON as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 10 }), (value) => {
        expect(payloadOf('application/json', JSON.stringify(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('reads any form as the platform writes it', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.string({ unit: 'grapheme' }), fc.string()), { selector: ([name]) => name }),
        (pairs) => {
          const text = new URLSearchParams(pairs).toString();
          fc.pre(text !== '');
          expect(payloadOf('application/x-www-form-urlencoded', text)).toEqual(Object.fromEntries(pairs));
        },
      ),
    );
  });

  it('gathers the values of a name that comes several times', () => {
    expect(payloadOf('application/x-www-form-urlencoded', 'a=1&b=2&a=3&c&__proto__=x&&d=a+b%2B')).toEqual(
      Object.fromEntries([
        ['a', ['1', '3']],
        ['b', '2'],
        ['c', ''],
        ['__proto__', 'x'],
        ['d', 'a b+'],
      ]),
    );
  });

  it('reads XML to the structure of adnanh/webhook', () => {
    const body = `<?xml version="1.0"?>
      <app xmlns:x="urn:x"><!-- a comment -->
        <users><user id="1" name="Jeff" /><user id="2" name="Sally" /></users>
        <messages><message id="1" from_user="1">Hello &amp; <![CDATA[<bye>]]></message></messages>
        <x:empty/><plain> text &#65; </plain>
      </app>`;
    expect(payloadOf(XML, body)).toEqual({
      app: {
        '-x': 'urn:x',
        users: {
          user: [
            { '-id': '1', '-name': 'Jeff' },
            { '-id': '2', '-name': 'Sally' },
          ],
        },
        messages: { message: { '-id': '1', '-from_user': '1', '#text': 'Hello & <bye>' } },
        empty: '',
        plain: 'text A',
      },
    });
    expect(payloadOf('application/xml; charset=ISO-8859-1', Buffer.from('<a>\xe4</a>', 'latin1'))).toEqual({ a: 'ä' });
  });

  it('reads the fields and files of a multipart body', () => {
    const body = multipart(
      ['Content-Disposition: form-data; name="a"', '1'],
      ['content-disposition: form-data; name="a"', 'two\r\nlines'],
      ['Content-Disposition: form-data; name="q\\"uo%22te"', 'ä'],
      ['Content-Disposition: form-data; name="json"; filename="x.json"\r\nContent-Type: application/json', '{"n":1}'],
      ['Content-Disposition: form-data; name="text"; filename="t.txt"', 'hello'],
      [
        'Content-Disposition: form-data; name="bytes"; filename="b.bin"\r\nContent-Type: image/png',
        Buffer.from([0, 255]),
      ],
      ['Content-Disposition: form-data; name="empty"', ''],
    );
    expect(payloadOf(MULTIPART, body)).toEqual({
      a: ['1', 'two\r\nlines'],
      'q"uo"te': 'ä',
      json: { n: 1 },
      text: { filename: 't.txt', content_type: 'text/plain', encoding: 'utf8', content: 'hello' },
      bytes: { filename: 'b.bin', content_type: 'image/png', encoding: 'base64', content: 'AP8=' },
      empty: '',
    });
    expect(payloadOf(MULTIPART, Buffer.concat([Buffer.from('preamble\r\n'), body]))).toHaveProperty('empty', '');
    expect(payloadOf(MULTIPART, '--X-1--\r\n')).toEqual({});
  });

  it('reads what the platform writes as multipart', async () => {
    const form = new FormData();
    form.append('a', 'text "with" quotes');
    form.append('na"me\r\n', new File(['{"x":1}'], 'f"x.json', { type: 'application/json' }));
    const response = new Response(form);
    const body = Buffer.from(await response.arrayBuffer());
    expect(payloadOf(response.headers.get('content-type'), body)).toEqual({
      a: 'text "with" quotes',
      'na"me\r\n': { x: 1 },
    });
  });

  it('never throws, and never takes long, whatever the bytes are', () => {
    const piece = fc.constantFrom(
      '--X-1',
      '\r\n',
      '--',
      'Content-Disposition: form-data; name="a"',
      '<a',
      '>',
      '</a>',
      '<!',
      '[',
      '{"',
      '&',
      '%',
    );
    const bytes = fc.array(fc.oneof(piece, fc.string()), { maxLength: 30 }).map((pieces) => pieces.join(''));
    const type = fc.constantFrom(
      MULTIPART,
      XML,
      'application/json',
      'application/x-www-form-urlencoded',
      'text/plain',
      null,
    );
    fc.assert(fc.property(type, bytes, (contentType, body) => statusOf(contentType, body) >= 200));
    const beganAt = performance.now();
    for (const nasty of ['\r\n--X-1', '\r\n--X-', '<a ', '&amp;', '"\\', '[{', ';name="', '%41&']) {
      for (const contentType of [MULTIPART, XML, 'application/json', 'application/x-www-form-urlencoded']) {
        statusOf(contentType, nasty.repeat(1_000_000 / nasty.length));
      }
    }
    expect(performance.now() - beganAt).toBeLessThan(10_000);
  });
});

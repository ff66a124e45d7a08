import { parseDeliveryUrl } from './delivery-url';

const reasonFor = (text: string, requireHttps = false): string | null => {
  const parsed = parseDeliveryUrl(text, requireHttps);
  return parsed.ok ? null : parsed.reason;
};

describe('the URL of a webhook', () => {
  it.each([
    'https://example.com',
    'https://example.com/hooks?a=b&c=%20',
    'HTTP://EXAMPLE.COM:8080/',
    'https://bücher.example/',
    'https://example.com./',
    'https://[2606:4700::1111]/',
    `https://example.com/${'x'.repeat(2048 - 'https://example.com/'.length)}`,
  ])('can be %.60s', (text) => {
    expect(reasonFor(text)).toBeNull();
  });

  it.each([
    ['', 'must begin with'],
    ['example.com', 'must begin with'],
    ['ftp://example.com', 'must begin with'],
    ['file:///etc/passwd', 'must begin with'],
    ['javascript:alert(1)', 'must begin with'],
    ['http:example.com', 'must begin with'],
    ['https://', 'not a valid URL'],
    ['https://exa mple.com', 'spaces'],
    [' https://example.com', 'spaces'],
    ['https://example.com\n', 'spaces'],
    ['https://example.com/\u0000', 'spaces'],
    ['https://evil.test\\@example.com', 'backslashes'],
    ['https://user@example.com', 'user name'],
    ['https://user:secret@example.com', 'user name'],
    ['https://:secret@example.com', 'user name'],
    ['https://example.com/#part', 'fragment'],
    ['https://example.com/#', 'fragment'],
    ['https://example.com:0/', 'port 0'],
    ['https://example.com:65536/', 'not a valid URL'],
    ['https://example..com/', 'valid host'],
    ['https://example.com../', 'valid host'],
    [`https://${'x'.repeat(64)}.com/`, 'valid host'],
    [`https://${'x.'.repeat(127)}com/`, 'valid host'],
    ['https://[fe80::1%25eth0]/', 'not a valid URL'],
    ['https://[::1/', 'not a valid URL'],
    ['https://256.1.1.1/', 'not a valid URL'],
    ['https://exa%00mple.com/', 'not a valid URL'],
    [`https://example.com/${'x'.repeat(2048)}`, 'longer than 2048'],
  ])('cannot be %.60j', (text, reason) => {
    expect(reasonFor(text)).toContain(reason);
  });

  it('is https where that is required', () => {
    expect(reasonFor('http://example.com', true)).toContain('https://');
    expect(reasonFor('https://example.com', true)).toBeNull();
  });
});

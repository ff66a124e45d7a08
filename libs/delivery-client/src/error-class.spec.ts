import { errors } from 'undici';
import { ERROR_CLASSES } from '#webhook-rules/outcome';
import { classifyError, describeError, describeStatus } from './error-class';

const withCode = (code: string): Error => Object.assign(new Error('secret detail 10.0.0.1'), { code });

describe('the class of an error', () => {
  it.each([
    ['ECONNREFUSED', 'connection_refused'],
    ['ECONNRESET', 'connection_reset'],
    ['EPIPE', 'connection_reset'],
    ['ETIMEDOUT', 'connect_timeout'],
    ['EHOSTUNREACH', 'host_unreachable'],
    ['ENETUNREACH', 'host_unreachable'],
    ['ERR_BLOCKED_ADDRESS', 'blocked_address'],
    ['ERR_NAME_NOT_RESOLVED', 'dns_error'],
    ['EPROTO', 'tls_error'],
    ['CERT_HAS_EXPIRED', 'tls_expired'],
    ['CERT_NOT_YET_VALID', 'tls_error'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls_untrusted'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'tls_untrusted'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls_untrusted'],
    ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'tls_version'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls_wrong_name'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls_error'],
    ['EMFILE', 'network_error'],
  ])('with the code %s is %s', (code, expected) => {
    expect(classifyError(withCode(code))).toBe(expected);
  });

  it.each([
    ['ConnectTimeoutError', 'connect_timeout', new errors.ConnectTimeoutError()],
    ['HeadersOverflowError', 'headers_too_large', new errors.HeadersOverflowError()],
    ['InvalidArgumentError', 'invalid_request', new errors.InvalidArgumentError()],
    ['HTTPParserError', 'invalid_response', new errors.HTTPParserError('Expected HTTP/')],
    ['SocketError', 'connection_closed', new errors.SocketError('other side closed')],
    ['SocketError', 'invalid_response', new errors.SocketError('bad response')],
    ['SocketError', 'invalid_response', new errors.SocketError('bad upgrade')],
    ['ClientDestroyedError', 'interrupted', new errors.ClientDestroyedError()],
  ])('of undici, %s, is %s', (_name, expected, error) => {
    expect(classifyError(error)).toBe(expected);
  });

  it('of several failed addresses is that of the first', () => {
    expect(classifyError(new AggregateError([withCode('ENETUNREACH'), withCode('ECONNREFUSED')]))).toBe(
      'host_unreachable',
    );
  });

  it.each([null, undefined, 'text', new Error('no code'), new AggregateError([])])('%p is network_error', (error) => {
    expect(classifyError(error)).toBe('network_error');
  });
});

describe('the sentence about a failure', () => {
  it.each(ERROR_CLASSES)('for %s says nothing internal', (errorClass) => {
    const sentence = describeError(errorClass, withCode('ECODE'));
    expect(sentence).toMatch(/^[A-Z]/);
    expect(sentence).not.toMatch(/10\.0\.0\.1|secret/);
  });

  it('names what is wrong with a certificate', () => {
    expect(describeError('tls_expired', withCode('CERT_HAS_EXPIRED'))).toBe(
      'The certificate has expired (CERT_HAS_EXPIRED)',
    );
  });

  it('for a status is as in the reference', () => {
    expect(describeStatus(500)).toBe('HTTP 500: Internal Server Error');
    expect(describeStatus(599)).toBe('HTTP 599');
  });
});

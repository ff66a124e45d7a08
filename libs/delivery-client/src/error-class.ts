import { STATUS_CODES } from 'node:http';
import type { ErrorClass } from '#webhook-rules/outcome';
import { BLOCKED_ADDRESS_CODE, NAME_NOT_RESOLVED_CODE } from './address-guard';

const CLASS_BY_CODE = new Map<string, ErrorClass>([
  [BLOCKED_ADDRESS_CODE, 'blocked_address'],
  [NAME_NOT_RESOLVED_CODE, 'dns_error'],
  ['UND_ERR_CONNECT_TIMEOUT', 'connect_timeout'],
  ['ETIMEDOUT', 'connect_timeout'],
  ['ECONNREFUSED', 'connection_refused'],
  ['ECONNRESET', 'connection_reset'],
  ['ECONNABORTED', 'connection_reset'],
  ['EPIPE', 'connection_reset'],
  ['UND_ERR_SOCKET', 'connection_closed'],
  ['EHOSTUNREACH', 'host_unreachable'],
  ['EHOSTDOWN', 'host_unreachable'],
  ['ENETUNREACH', 'host_unreachable'],
  ['ENETDOWN', 'host_unreachable'],
  ['EADDRNOTAVAIL', 'host_unreachable'],
  ['EPROTO', 'tls_error'],
  ['CERT_HAS_EXPIRED', 'tls_expired'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls_wrong_name'],
  ['HOSTNAME_MISMATCH', 'tls_wrong_name'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls_untrusted'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'tls_untrusted'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'tls_untrusted'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'tls_untrusted'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls_untrusted'],
  ['CERT_UNTRUSTED', 'tls_untrusted'],
  ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'tls_version'],
  ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'tls_version'],
  ['ERR_SSL_VERSION_TOO_LOW', 'tls_version'],
  ['UND_ERR_HEADERS_OVERFLOW', 'headers_too_large'],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'invalid_response'],
  ['UND_ERR_INVALID_ARG', 'invalid_request'],
  ['UND_ERR_REQ_CONTENT_LENGTH_MISMATCH', 'invalid_request'],
  ['UND_ERR_CLOSED', 'interrupted'],
  ['UND_ERR_DESTROYED', 'interrupted'],
]);

/** Node's names for what OpenSSL found (`node:tls`, "X509 certificate error codes"), and its own TLS errors. */
const TLS_CODE =
  /^(?:ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERROR_IN_C|INVALID_|PATH_LENGTH_|HOSTNAME_MISMATCH)/;
/** undici's parser errors should have codes that begin with HPE_, but in 7.30 have none. */
const PARSER_ERROR_NAME = 'HTTPParserError';
/** undici reports an unexpected 100 or 101 as a socket error with one of these messages. */
const BAD_RESPONSE_MESSAGE = /^bad (?:response|upgrade)$/;

const SENTENCES: Record<ErrorClass, string> = {
  blocked_address: 'The host leads to an address that deliveries may not reach',
  connect_timeout: 'No connection within the time limit',
  connection_refused: 'Connection refused',
  connection_closed: 'The connection was closed before any answer',
  connection_reset: 'The connection was reset before any answer',
  dns_error: 'The host name could not be resolved',
  headers_too_large: 'The headers of the answer are too large',
  host_unreachable: 'The host cannot be reached',
  incomplete_response: 'The connection ended before the answer was complete',
  interrupted: 'The service stopped the attempt while shutting down',
  invalid_request: 'The request could not be built',
  invalid_response: 'The answer is not valid HTTP',
  network_error: 'The network failed',
  response_too_large: 'The response is too large',
  timeout: 'No complete response within the time limit',
  tls_error: 'The TLS handshake failed',
  tls_expired: 'The certificate has expired',
  tls_untrusted: 'The certificate is not signed by an authority that is trusted',
  tls_version: 'The receiver speaks no TLS of version 1.2 or newer',
  tls_wrong_name: 'The certificate is for another name',
};

/** Puts an error of undici, Node or the address guard into its class; what is unknown is `network_error`. */
export function classifyError(error: unknown): ErrorClass {
  const code = codeOf(error);
  if (code === 'UND_ERR_SOCKET' && error instanceof Error && BAD_RESPONSE_MESSAGE.test(error.message)) {
    return 'invalid_response';
  }
  const known = CLASS_BY_CODE.get(code);
  if (known !== undefined) return known;
  if (error instanceof Error && error.name === PARSER_ERROR_NAME) return 'invalid_response';
  return TLS_CODE.test(code) ? 'tls_error' : 'network_error';
}

/**
 * One short sentence about a failed attempt for the webhook's owner: no stack, no address. TLS errors
 * name their code, since the owner has to repair the certificate.
 */
export function describeError(errorClass: ErrorClass, error: unknown): string {
  const code = codeOf(error);
  return errorClass.startsWith('tls_') && code !== '' ? `${SENTENCES[errorClass]} (${code})` : SENTENCES[errorClass];
}

/** The sentence for a response that is no delivery, as in the reference: `HTTP 500: Internal Server Error`. */
export function describeStatus(statusCode: number): string {
  const phrase = STATUS_CODES[statusCode];
  return phrase === undefined ? `HTTP ${statusCode}` : `HTTP ${statusCode}: ${phrase}`;
}

/**
 * The code of an error. When all addresses of a host failed, Node throws one error with all of them
 * in `errors`; the first failure stands for all.
 */
function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return 'errors' in error && Array.isArray(error.errors) ? codeOf(error.errors[0]) : '';
}

import { formatInstant } from '#kernel/instants';
import { firstValues, type InboundRequest } from './inbound-request';

/** What conditions, templates and mappings see of a request. */
export interface RequestContext {
  readonly payload: unknown;
  /** Names in lower case; the first value of each. */
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly metadata: RequestMetadata;
}

export interface RequestMetadata {
  /** Of the inbound request. */
  readonly id: string;
  /** The endpoint's name. */
  readonly endpoint: string;
  readonly method: string;
  readonly ip: string;
  /** When it was received, ISO 8601. */
  readonly timestamp: string;
}

/** The context of an accepted request. @param payload of its verdict. */
export function contextOf(
  request: InboundRequest,
  payload: unknown,
  { id, endpoint }: Pick<RequestMetadata, 'id' | 'endpoint'>,
): RequestContext {
  const { ip, receivedAt } = request;
  return {
    payload,
    headers: firstValues(request.headers),
    query: firstValues(request.query),
    metadata: {
      id,
      endpoint,
      method: request.method.toUpperCase(),
      ip,
      timestamp: formatInstant(receivedAt.getTime()),
    },
  };
}

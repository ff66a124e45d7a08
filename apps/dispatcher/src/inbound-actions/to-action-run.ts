import { parse as parseQuery } from 'node:querystring';
import type { ActionRun } from '#inbound-actions/action-run';
import { contextValues, parseBody } from '#inbound-rules/bodies/parse-body';
import { headerOf, type InboundRequest, type ValueMap } from '#inbound-rules/inbound-request';
import { readJsonParameters, type JsonParameter } from '#inbound-rules/trigger-rules/request-value';
import { contextOf } from '#inbound-rules/request-context';
import { formatId, uuidTimeMs } from '#kernel/ids';
import type { EndpointRow, InboundWork, RequestRow } from './inbound-work';

/** Reads a stored request again as it was judged; what is wrong as text when the endpoint has come to read it otherwise. */
export function toActionRun(
  work: InboundWork,
  endpoint: EndpointRow,
  row: RequestRow,
  previous: string | null,
  signal: AbortSignal,
): ActionRun | string {
  const receivedAt = new Date(uuidTimeMs(row.id));
  const request: InboundRequest = {
    method: row.method,
    headers: JSON.parse(row.headers) as ValueMap,
    query: parseQuery(row.query),
    body: row.body,
    ip: row.ip,
    receivedAt,
  };
  const { content_type: contentType, json_parameters: parameters } = endpoint.body as {
    content_type?: string | null;
    json_parameters?: JsonParameter[];
  };
  const parsed = parseBody(contentType ?? headerOf(request, 'content-type'), row.body);
  if (!('payload' in parsed)) return `The body can no longer be read: ${parsed.message}`;
  const { values } = readJsonParameters(contextValues(request, parsed), parameters ?? []);
  return {
    id: work.runId,
    tenantId: work.tenantId,
    attempt: work.attempts + 1,
    endpointId: work.endpointId,
    receivedAt,
    isTest: row.isTest,
    values,
    context: contextOf(request, values.payload, { id: formatId('req', row.id), endpoint: endpoint.name }),
    previous: previous === null ? null : (JSON.parse(previous) as unknown),
    signal,
  };
}

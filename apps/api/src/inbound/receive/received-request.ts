/** Why an action is among those of a request: what the dispatcher is to run. */
export interface WantedRun {
  actionId: string;
  position: number;
  type: string;
}

export type RequestStatus = 'accepted' | 'ignored' | 'challenge' | 'duplicate' | 'rejected';

/** A judged request on its way into the database. */
export interface ReceivedRequest {
  /** UUID, made by us. */
  id: string;
  tenantId: string;
  endpointId: string;
  /** Of the endpoint that judged it: any other present version refuses it. */
  version: string;
  status: RequestStatus;
  /** Of the verdict. */
  code: string;
  /** JSON of what each step found. */
  steps: string;
  isTest: boolean;
  replayOf: string | null;
  ip: string;
  method: string;
  /** Without the query. */
  path: string;
  query: string;
  /** JSON; secret ones are masked. */
  headers: string;
  contentType: string | null;
  /** The bytes as received. */
  body: Buffer;
  responseStatus: number;
  /** JSON. */
  responseHeaders: string | null;
  responseBody: string | null;
  /** What it must be the first of, to be acted on: 16 bytes each. */
  keys: Buffer[];
  runs: WantedRun[];
}

/** What became of a request: `stale` when the endpoint changed since it was judged, and nothing was written. */
export type Receipt =
  { kind: 'stored'; runIds: string[] } | { kind: 'duplicate'; of: string | null } | { kind: 'stale' };

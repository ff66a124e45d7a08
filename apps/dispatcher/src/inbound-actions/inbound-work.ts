import type { ActionType } from '#inbound-actions/action-settings';

/** A run that this dispatcher holds. */
export interface InboundWork {
  runId: string;
  /** The dispatcher id under which it was claimed, and the how-manieth claim it was. */
  owner: string;
  epoch: number;
  tenantId: string;
  endpointId: string;
  type: ActionType;
  /** Attempts recorded before. */
  attempts: number;
}

/** What there is to do, as the database has it at the moment of the claim. */
export interface ClaimedRun {
  work: InboundWork;
  /** What the attempt before left behind, JSON. */
  previous: string | null;
  /** Null when the action was removed meanwhile, or its endpoint. */
  action: ActionRow | null;
  /** Null once retention took it. */
  request: RequestRow | null;
}

export interface ActionRow {
  id: string;
  settings: Record<string, unknown>;
  sealedSecrets: Buffer | null;
  condition: string | null;
  retryPolicy: unknown;
  webhookId: string | null;
  endpoint: EndpointRow;
}

export interface EndpointRow {
  name: string;
  projectId: string | null;
  /** How bodies are read: content_type, json_parameters. */
  body: Record<string, unknown>;
}

export interface RequestRow {
  id: string;
  ip: string;
  method: string;
  /** As received, without the question mark. */
  query: string;
  /** JSON; secret ones are masked. */
  headers: string;
  isTest: boolean;
  body: Buffer;
}

import type { Scope } from '../caller/scopes';

/** An action of an endpoint, in a line. */
export interface ChatAction {
  id: string;
  type: string;
  /** What it does, without secrets: `telegram, discord: New signal …`. */
  summary: string;
  condition: string | null;
}

/** An inbound endpoint as chat shows it. */
export interface ChatEndpoint {
  name: string;
  url: string;
  description: string | null;
  enabled: boolean;
  debug: boolean;
  /** Of its signatures. */
  scheme: string;
  createdAt: Date;
  triggerCount: number;
  lastTriggeredAt: Date | null;
  actions: ChatAction[];
}

/** An endpoint in a list. */
export type ListedChatEndpoint = Pick<ChatEndpoint, 'name' | 'enabled' | 'debug' | 'triggerCount' | 'lastTriggeredAt'>;

/** An endpoint to be made; what is undefined is as the API has it by default. */
export interface NewChatEndpoint {
  name: string;
  secret: string | undefined;
  description: string | undefined;
  scheme: string | undefined;
  allowedIps: string[] | undefined;
}

/** What a test, a run of the real path, has shown. */
export interface ChatTest {
  /** Of the verdict: accepted, ignored, rejected … */
  status: string;
  responseStatus: number;
  steps: { step: string; passed: boolean; detail: string }[];
  actions: { type: string; status: string; detail: string | null }[];
}

/** A request in the log. */
export interface ChatLogEntry {
  id: string;
  receivedAt: Date;
  status: string;
  responseStatus: number;
  ip: string;
  payload: string | null;
}

/** An action to be added; settings as the API has them. */
export interface NewChatAction {
  type: 'notify' | 'forward' | 'log' | 'execute';
  settings: Record<string, unknown>;
  condition: string | null;
}

/** What commands work on: the inbound endpoints one caller reaches. Every method throws an AppError for what is not there or not allowed. */
export interface ChatEndpoints {
  /** @throws AppError 403 when the caller may not. */
  require(scope: Scope): void;
  create(wanted: NewChatEndpoint): Promise<{ endpoint: ChatEndpoint; secret: string | null }>;
  list(): Promise<{ endpoints: ListedChatEndpoint[]; total: number }>;
  get(name: string): Promise<ChatEndpoint>;
  regenerate(name: string): Promise<{ url: string; secret: string | null }>;
  delete(name: string): Promise<void>;
  /** @param payload undefined for a sample. */
  test(name: string, payload: unknown): Promise<ChatTest>;
  logs(name: string, limit: number): Promise<ChatLogEntry[]>;
  setDebug(name: string, on: boolean): Promise<void>;
  addAction(name: string, action: NewChatAction): Promise<ChatAction>;
  removeAction(name: string, id: string): Promise<void>;
  /** The channel that notifications go to when none is named; null when none is set. */
  defaultChannel(): Promise<string | null>;
}

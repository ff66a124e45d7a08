/** What a request is checked for, in this order. Rate limit and duplicate need state: they are the caller's. */
export type Step =
  | 'enabled'
  | 'rate_limit'
  | 'method'
  | 'address'
  | 'body_size'
  | 'signature'
  | 'body'
  | 'challenge'
  | 'schema'
  | 'trigger_rule'
  | 'duplicate';

export interface StepResult {
  readonly step: Step;
  readonly passed: boolean;
  /** For the endpoint's owner only: it would help a forger. */
  readonly detail: string;
}

/** What the caller is answered; where there is none, the endpoint's configured response is. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * `accepted`: act on it. `ignored`: genuine, but the trigger rule does not want it. `challenge`: the provider only
 * tries the endpoint out. `rejected`: not genuine, not allowed or malformed.
 */
export type Outcome = 'accepted' | 'ignored' | 'challenge' | 'rejected';

export interface Verdict {
  readonly outcome: Outcome;
  /** 200 unless the request is rejected (400, 401, 403, 405, 413, 415, 422) or the endpoint has another for ignored. */
  readonly status: number;
  /** Stable, for answers and logs. */
  readonly code: VerdictCode;
  /** One sentence that the caller may read: it says nothing that helps a forger. */
  readonly message: string;
  readonly steps: readonly StepResult[];
  /** The body as parsed; absent when it was not. */
  readonly payload?: unknown;
  /** What makes the request the same as another one; absent when nothing does. */
  readonly dedupeKey?: string;
  /** The answer that a challenge or a refusal (405 with Allow) calls for. */
  readonly reply?: Reply;
}

export type VerdictCode =
  | 'accepted'
  | 'ignored'
  | 'challenge'
  | 'method_not_allowed'
  | 'address_not_allowed'
  | 'payload_too_large'
  | 'invalid_signature'
  | 'malformed_body'
  | 'unsupported_media_type'
  | 'body_too_deep'
  | 'schema_mismatch';

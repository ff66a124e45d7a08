import type { CheckData } from '#event-schemas/compile-schema';
import type { AddressList } from './address-list';
import type { BodyKind } from './bodies/content-type';
import type { SignatureSettings } from './signatures/signature-settings';
import type { JsonParameter } from './trigger-rules/request-value';
import type { TriggerRule } from './trigger-rules/trigger-rule';

/** By what two requests are known to be the same: the value of a header or at a place in the payload. */
export type Dedupe = { readonly header: string } | { readonly path: string };

/** An endpoint's rules, ready to judge requests by; made once per version of the endpoint. */
export interface EndpointRules {
  /** In upper case. */
  readonly methods: readonly string[];
  /** Null for any address. */
  readonly allowedIps: AddressList | null;
  readonly signature: SignatureSettings;
  /** Those that are valid now, newest first. */
  readonly secrets: readonly string[];
  /** Counts instead of the request's Content-Type. */
  readonly contentType: string | null;
  /** Null for every kind that can be read. */
  readonly bodyKinds: readonly BodyKind[] | null;
  readonly schema: CheckData | null;
  readonly jsonParameters: readonly JsonParameter[];
  readonly triggerRule: TriggerRule | null;
  /** Null for 200, or 401 when it is a signature that the rule misses. */
  readonly triggerMismatchStatus: number | null;
  readonly triggerSignatureSoftFailures: boolean;
  /** Null when no request is taken for a repetition. */
  readonly dedupe: Dedupe | null;
  readonly maxBodyBytes: number;
}

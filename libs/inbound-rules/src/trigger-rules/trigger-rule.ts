import type { LinearPattern } from '#event-schemas/linear-pattern';
import type { AddressList } from '../address-list';
import type { HMAC_ALGORITHMS } from '../signatures/signature-settings';
import type { ValueReference } from './request-value';

/** A trigger rule as it was read: adnanh/webhook's operators, with patterns and ranges compiled. */
export type TriggerRule =
  | { readonly and: readonly TriggerRule[] }
  | { readonly or: readonly TriggerRule[] }
  | { readonly not: TriggerRule }
  | { readonly match: Match };

export type Match =
  | { readonly type: 'value'; readonly value: string; readonly parameter: ValueReference }
  | { readonly type: 'regex'; readonly pattern: LinearPattern; readonly parameter: ValueReference }
  | {
      readonly type: 'hmac';
      readonly algorithm: (typeof HMAC_ALGORITHMS)[number];
      readonly secret: string;
      readonly parameter: ValueReference;
      /** Headers whose values are signed after the body, in this order. */
      readonly signedHeaders: readonly string[];
    }
  | { readonly type: 'scalr'; readonly secret: string }
  | { readonly type: 'ip'; readonly ranges: AddressList };

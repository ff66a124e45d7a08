/** The statuses of the reference. */
export const DELIVERY_STATUSES = ['success', 'failed', 'pending'] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** What a status leaves open; DESIGN: cancelled ones show as failed. */
export const DELIVERY_STATES = [
  'queued',
  'blocked',
  'in_flight',
  'retrying',
  'scheduled',
  'held',
  'throttled',
  'delivered',
  'exhausted',
  'cancelled',
] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { SignatureType } from '#webhook-rules/signature';

/** A retry policy as the API names its fields; every one is filled in before it is stored. */
export interface StoredRetryPolicy {
  max_attempts: number;
  backoff_strategy: 'linear' | 'exponential' | 'fixed';
  initial_delay: number;
  max_delay: number;
  retry_on_status?: number[];
  retry_on_timeout?: boolean;
  jitter?: number;
}

@Entity('webhooks')
export class WebhookEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'tenant_id' })
  tenantId!: string;

  @Column('text', { name: 'project_id', nullable: true })
  projectId!: string | null;

  /** `inbound_forward`: of an inbound action that forwards to a URL; it is not shown among the webhooks. */
  @Column('text', { default: 'subscription' })
  kind!: 'subscription' | 'inbound_forward';

  @Column('text')
  name!: string;

  @Column('text', { nullable: true })
  description!: string | null;

  @Column('text')
  url!: string;

  /** Event types and patterns subscribed to. */
  @Column('text', { array: true })
  events!: string[];

  /** By event type the only version it gets. */
  @Column('jsonb', { name: 'event_versions', default: {} })
  eventVersions!: Record<string, string>;

  @Column('bytea', { name: 'sealed_secret' })
  sealedSecret!: Buffer;

  /** JSON object of the custom headers, sealed; null when there are none. */
  @Column('bytea', { name: 'sealed_headers', nullable: true })
  sealedHeaders!: Buffer | null;

  @Column('text', { name: 'header_names', array: true, default: '{}' })
  headerNames!: string[];

  /** What `webhook-signature` holds: `v1` (HMAC), `v1a` (ed25519), or both. */
  @Column('text', { name: 'signature_types', array: true, default: '{v1}' })
  signatureTypes!: SignatureType[];

  @Column('boolean', { default: true })
  active!: boolean;

  @Column('integer', { name: 'timeout_ms' })
  timeoutMs!: number;

  @Column('jsonb', { name: 'retry_policy' })
  retryPolicy!: StoredRetryPolicy;

  @Column('text', { name: 'on_inactive', default: 'drop' })
  onInactive!: 'drop' | 'hold';

  /** Whether events with the same ordering key go to it one after the other, and what those behind an exhausted one do. */
  @Column('boolean', { default: false })
  ordered!: boolean;

  @Column('text', { name: 'on_exhausted', default: 'skip' })
  onExhausted!: 'skip' | 'wait';

  /** When it was made active, while deliveries that it held before still wait. */
  @Column('timestamptz', { name: 'draining_since', nullable: true })
  drainingSince!: Date | null;

  /** Deliveries per second; null for no limit of its own. */
  @Column('integer', { name: 'rate_limit', nullable: true })
  rateLimit!: number | null;

  /** Requests at once; null for no limit of its own. */
  @Column('integer', { name: 'max_in_flight', nullable: true })
  maxInFlight!: number | null;

  @Column('text', { name: 'disabled_reason', nullable: true })
  disabledReason!: string | null;

  @Column('bigint', { default: 1 })
  version!: string;

  @Column('uuid', { name: 'created_by' })
  createdBy!: string;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'updated_at', default: () => 'now()' })
  updatedAt!: Date;

  @Column('timestamptz', { name: 'deleted_at', nullable: true })
  deletedAt!: Date | null;
}

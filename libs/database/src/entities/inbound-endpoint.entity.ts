import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('inbound_endpoints')
export class InboundEndpointEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'tenant_id' })
  tenantId!: string;

  @Column('text', { name: 'project_id', nullable: true })
  projectId!: string | null;

  @Column('text')
  name!: string;

  @Column('text', { nullable: true })
  description!: string | null;

  @Column('boolean', { default: true })
  enabled!: boolean;

  @Column('text', { name: 'url_key' })
  urlKey!: string;

  @Column('text', { name: 'previous_url_key', nullable: true })
  previousUrlKey!: string | null;

  @Column('timestamptz', { name: 'previous_url_key_until', nullable: true })
  previousUrlKeyUntil!: Date | null;

  @Column('text', { name: 'hook_id', nullable: true })
  hookId!: string | null;

  @Column('text', { array: true })
  methods!: string[];

  /** How bodies are read: max_bytes, content_type, body_kinds, json_parameters. */
  @Column('jsonb')
  body!: Record<string, unknown>;

  /** JSON Schema as text, which keeps the order of its keys. */
  @Column('text', { nullable: true })
  schema!: string | null;

  @Column('text', { name: 'allowed_ips', array: true })
  allowedIps!: string[];

  @Column('jsonb')
  signature!: Record<string, unknown>;

  @Column('bytea', { name: 'sealed_secrets' })
  sealedSecrets!: Buffer;

  @Column('bytea', { name: 'sealed_trigger_rule', nullable: true })
  sealedTriggerRule!: Buffer | null;

  @Column('jsonb', { name: 'trigger_options' })
  triggerOptions!: Record<string, unknown>;

  /** Null: the signature scheme's own; false: repetitions are acted on. */
  @Column('jsonb', { nullable: true })
  dedupe!: Record<string, unknown> | false | null;

  @Column('jsonb')
  response!: Record<string, unknown>;

  @Column('jsonb', { name: 'rate_limit', nullable: true })
  rateLimit!: Record<string, unknown> | null;

  @Column('boolean', { default: false })
  debug!: boolean;

  @Column('integer', { name: 'max_log_entries' })
  maxLogEntries!: number;

  @Column('bigint', { default: 1 })
  version!: string;

  /** Null: the operator. */
  @Column('uuid', { name: 'created_by', nullable: true })
  createdBy!: string | null;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'updated_at', default: () => 'now()' })
  updatedAt!: Date;

  @Column('timestamptz', { name: 'changed_at', default: () => 'now()' })
  changedAt!: Date;

  @Column('timestamptz', { name: 'deleted_at', nullable: true })
  deletedAt!: Date | null;
}

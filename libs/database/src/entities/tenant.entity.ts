import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What the operator allows a tenant; a missing key means the installation's default. */
export interface TenantLimits {
  max_webhooks?: number;
  events_per_second?: number;
  max_event_bytes?: number;
  tests_per_minute?: number;
  payload_retention_days?: number;
  record_retention_days?: number;
}

@Entity('tenants')
export class TenantEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text')
  name!: string;

  @Column('text')
  status!: 'active' | 'suspended';

  @Column('jsonb')
  limits!: TenantLimits;

  /** Special ranges that its deliveries may reach, beside those of the installation. */
  @Column('text', { name: 'allowed_cidrs', array: true, default: '{}' })
  allowedCidrs!: string[];

  @Column('bigint', { name: 'webhooks_version', default: 0 })
  webhooksVersion!: string;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'changed_at', default: () => 'now()' })
  changedAt!: Date;

  @Column('timestamptz', { name: 'deleted_at', nullable: true })
  deletedAt!: Date | null;
}

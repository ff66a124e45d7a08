import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { StoredRetryPolicy } from './webhook.entity';

@Entity('inbound_actions')
export class InboundActionEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'tenant_id' })
  tenantId!: string;

  @Column('uuid', { name: 'endpoint_id' })
  endpointId!: string;

  @Column('smallint')
  position!: number;

  @Column('text')
  type!: 'notify' | 'forward' | 'log' | 'execute' | 'custom';

  /** Without the secret ones. */
  @Column('jsonb')
  settings!: Record<string, unknown>;

  @Column('bytea', { name: 'sealed_secrets', nullable: true })
  sealedSecrets!: Buffer | null;

  @Column('text', { nullable: true })
  condition!: string | null;

  /** Null for the default of the type. */
  @Column('jsonb', { name: 'retry_policy', nullable: true })
  retryPolicy!: StoredRetryPolicy | null;

  /** The hidden webhook of a forward to a URL. */
  @Column('uuid', { name: 'webhook_id', nullable: true })
  webhookId!: string | null;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'updated_at', default: () => 'now()' })
  updatedAt!: Date;
}

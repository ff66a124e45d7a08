import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('inbound_channels')
export class InboundChannelEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'tenant_id' })
  tenantId!: string;

  @Column('text')
  name!: string;

  @Column('text')
  kind!: string;

  /** Without the secret ones. */
  @Column('jsonb')
  settings!: Record<string, unknown>;

  @Column('bytea', { name: 'sealed_secrets', nullable: true })
  sealedSecrets!: Buffer | null;

  @Column('boolean', { name: 'is_default', default: false })
  isDefault!: boolean;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'updated_at', default: () => 'now()' })
  updatedAt!: Date;
}

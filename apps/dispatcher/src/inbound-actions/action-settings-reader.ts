import { Inject, Injectable } from '@nestjs/common';
import { SECRET_BOX } from '#database/database.module';
import { openJson } from '#database/inbound-secrets';
import type { SecretBox } from '#database/secret-box';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';

/** Settings as they are stored: the secret ones apart, sealed. */
export interface StoredSettings {
  id: string;
  settings: Record<string, unknown>;
  sealedSecrets: Buffer | null;
}

/** Opens what is sealed of actions and channels. */
@Injectable()
export class ActionSettingsReader {
  private complained = false;

  constructor(
    @Inject(SECRET_BOX) private readonly box: SecretBox,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** The settings with the secret ones; null when these were sealed with a key that is not configured. */
  read(kind: 'action' | 'channel', { id, settings, sealedSecrets }: StoredSettings): Record<string, unknown> | null {
    if (sealedSecrets === null) return settings;
    try {
      const secrets = openJson<Record<string, unknown>>(this.box, `inbound_${kind}:secrets`, id, sealedSecrets);
      return { ...settings, ...secrets };
    } catch (error) {
      if (!this.complained)
        this.logger.error({ [kind]: id, error: String(error) }, 'secrets of inbound actions cannot be read');
      this.complained = true;
      return null;
    }
  }
}

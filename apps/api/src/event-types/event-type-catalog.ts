import { Injectable } from '@nestjs/common';
import { BUILT_IN_EVENT_TYPES } from '#webhook-rules/event-types';

/** The version of the built-in payloads. */
export const BUILT_IN_VERSION = '1';

/** Which event types a tenant may publish and subscribe to. */
@Injectable()
export class EventTypeCatalog {
  private readonly builtIn = new Set(BUILT_IN_EVENT_TYPES.map((type) => type.name));

  isKnown(_tenantId: string, eventType: string): boolean {
    return this.builtIn.has(eventType);
  }

  /** The version of the payload that is published now, or null when the type is not known. */
  versionOf(tenantId: string, eventType: string): string | null {
    return this.isKnown(tenantId, eventType) ? BUILT_IN_VERSION : null;
  }
}

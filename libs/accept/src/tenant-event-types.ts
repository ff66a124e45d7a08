import { BUILT_IN_EVENT_TYPES, isOperationalEventType } from '#webhook-rules/event-types';
import { DEFAULT_VALIDATION, type SchemaValidation } from './schema-validation';

/** The version of the built-in payloads. */
export const BUILT_IN_VERSION = '1';

const BUILT_IN = new Set(BUILT_IN_EVENT_TYPES.map((type) => type.name));
const VERSION = /^[1-9]\d{0,8}$/;

export function isBuiltIn(eventType: string): boolean {
  return BUILT_IN.has(eventType);
}

/** The event types that a tenant may publish and subscribe to, and how their data is checked, at one moment. */
export class TenantEventTypes {
  /** Those of a tenant that never changed anything. */
  static readonly BUILT_IN_ONLY = new TenantEventTypes(0n, new Map(), DEFAULT_VALIDATION);

  /**
   * @param version of the tenant's event types; see `tenants.event_types_version`.
   * @param own the newest version of every type of the tenant's own that is not archived.
   */
  constructor(
    readonly version: bigint,
    private readonly own: ReadonlyMap<string, number>,
    readonly validation: SchemaValidation,
  ) {}

  /** How many types of the tenant's own there are. */
  get count(): number {
    return this.own.size;
  }

  /** Whether there is something to subscribe to: the service's own events can be, though nobody publishes them. */
  isKnown(eventType: string): boolean {
    return isBuiltIn(eventType) || this.own.has(eventType) || isOperationalEventType(eventType);
  }

  /**
   * The version of the payload that is meant, or null when there is none.
   * @param wanted by default the newest one.
   */
  versionOf(eventType: string, wanted: string | null = null): string | null {
    const newest = isBuiltIn(eventType) ? Number(BUILT_IN_VERSION) : this.own.get(eventType);
    if (newest === undefined) return null;
    if (wanted === null) return String(newest);
    return VERSION.test(wanted) && Number(wanted) <= newest ? wanted : null;
  }
}

/** An event as a service publishes it. */
export interface EventToPublish {
  /** The event type, for example `build.completed`. */
  event: string;
  /**
   * What happened: an object, or JSON text or bytes of one, which are delivered byte for byte as they stand. Give text or
   * bytes where numbers do not fit a JavaScript number, such as 19-digit ids.
   */
  data: object | string | Uint8Array;
  /** The project it belongs to: webhooks of other projects do not get it. */
  projectId?: string | undefined;
  /** When it happened; now unless given. A text is ISO 8601 with `Z` or an offset. */
  timestamp?: Date | string | undefined;
  /** The publisher's own id, 1 to 255 characters of `A-Z a-z 0-9 _ : -`: publishing it again changes nothing. */
  eventId?: string | undefined;
  /** The version of the event type that `data` has, as text such as `1`; the newest unless given. */
  version?: string | undefined;
  /** Deliveries with the same key keep their order, at webhooks that ask for it. */
  orderingKey?: string | undefined;
  /** Not to be delivered before this instant, at most 30 days ahead. A text is ISO 8601 with `Z` or an offset. */
  deliverAt?: Date | string | undefined;
  priority?: 'high' | 'normal' | 'low' | undefined;
  /** Publishing again under the same key within 24 hours changes nothing: 1 to 255 printable ASCII characters. */
  idempotencyKey?: string | undefined;
}

/** An event that is stored for good and is on its way to the webhooks that want it. */
export interface PublishedEvent {
  /** The id it was given, or else one of ours, `event_…`. */
  eventId: string;
  /** The event type. */
  event: string;
  status: 'accepted';
  /** When it was first accepted, ISO 8601 in UTC. */
  createdAt: string;
  /** Whether it had been published before under the same key or id, so that nothing was done again. */
  duplicate: boolean;
  /**
   * Where `data` does not satisfy the schema of its event type, of which the tenant wants warnings only; else empty.
   * Data that may not be wrong is refused with `schema_violation` instead.
   */
  warnings: readonly { field: string; message: string }[];
}

/** Whatever publishes events of one tenant: over HTTP or, inside the platform, without it. */
export interface Publisher {
  /**
   * Resolves once the event is stored.
   * @throws PublishError when it was refused or could not be stored.
   */
  publish(event: EventToPublish): Promise<PublishedEvent>;
}

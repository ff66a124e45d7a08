/** An event type that every tenant has without registering it. */
export interface BuiltInEventType {
  readonly name: string;
  readonly description: string;
}

/** The event types of the reference (section "支持的事件"), in its order. */
export const BUILT_IN_EVENT_TYPES: readonly BuiltInEventType[] = [
  { name: 'project.created', description: 'A project was created.' },
  { name: 'project.updated', description: 'A project was changed.' },
  { name: 'project.deleted', description: 'A project was deleted.' },
  { name: 'build.started', description: 'A build began.' },
  { name: 'build.completed', description: 'A build finished successfully.' },
  { name: 'build.failed', description: 'A build failed.' },
  { name: 'deployment.started', description: 'A deployment began.' },
  { name: 'deployment.completed', description: 'A deployment finished successfully.' },
  { name: 'deployment.failed', description: 'A deployment failed.' },
  { name: 'collaboration.invited', description: 'Someone was invited to a project.' },
  { name: 'collaboration.joined', description: 'Someone joined a project.' },
  { name: 'collaboration.left', description: 'Someone left a project.' },
  { name: 'file.created', description: 'A file was created.' },
  { name: 'file.updated', description: 'A file was changed.' },
  { name: 'file.deleted', description: 'A file was deleted.' },
  { name: 'user.registered', description: 'A user registered.' },
  { name: 'user.login', description: 'A user logged in.' },
  { name: 'user.logout', description: 'A user logged out.' },
  { name: 'security.alert', description: 'Something happened that endangers an account or a project.' },
];

/** Event types by which the service tells tenants of their own webhooks; they cannot be published. */
export const OPERATIONAL_EVENT_TYPES = [
  {
    name: 'webhook.failing',
    description: 'Every attempt to a webhook has failed for a while; it will be disabled if that goes on.',
  },
  { name: 'webhook.recovered', description: 'A webhook of whose failing was told has had a success again.' },
  {
    name: 'webhook.disabled',
    description: 'A webhook was made inactive, by its receiver (410) or since it failed for too long.',
  },
  { name: 'delivery.exhausted', description: 'A delivery was given up.' },
] as const satisfies readonly BuiltInEventType[];

export type OperationalEventType = (typeof OPERATIONAL_EVENT_TYPES)[number]['name'];

const OPERATIONAL: ReadonlySet<string> = new Set(OPERATIONAL_EVENT_TYPES.map((type) => type.name));

/** Whether an event type is one of the service's own. */
export function isOperationalEventType(eventType: string): boolean {
  return OPERATIONAL.has(eventType);
}

/** The event type of a test delivery when none is named; it exists for tests only and cannot be published. */
export const TEST_EVENT_TYPE: BuiltInEventType = {
  name: 'test.ping',
  description: 'A test delivery that asks whether the webhook can be reached.',
};

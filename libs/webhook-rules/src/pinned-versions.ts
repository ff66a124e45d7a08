/** By event type the only version that a webhook takes; types that are not named are taken in every version. */
export type PinnedVersions = Readonly<Record<string, string>>;

/**
 * Says whether a webhook takes an event of a version. Payloads are never converted, so a webhook that pins a version
 * gets just those events of the type that were published in it.
 */
export function takesVersion(pinned: PinnedVersions, eventType: string, version: string): boolean {
  return !Object.hasOwn(pinned, eventType) || pinned[eventType] === version;
}

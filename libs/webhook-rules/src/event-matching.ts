import { isOperationalEventType, OPERATIONAL_EVENT_TYPES } from './event-types';

/** Longest event type, and longest pattern, in characters. */
export const MAX_EVENT_TYPE_LENGTH = 128;

const EVENT_TYPE = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/;
const ALL = '*';
const PREFIX_END = '.*';

/** A webhook as far as matching is concerned. */
export interface Subscription {
  readonly id: string;
  /** Exact types (`build.failed`), prefixes (`build.*`) or `*`. */
  readonly patterns: readonly string[];
  /** null receives the events of every project. */
  readonly projectId: string | null;
}

/** The webhooks of one tenant, ready to be asked. */
export interface SubscriptionIndex {
  /** The ids of the webhooks that get an event, each once, in no particular order. */
  match(eventType: string, projectId: string | null): string[];
}

/** Says whether a name is an event type: dot-separated words of letters, digits, `_` and `-`. */
export function isValidEventType(name: string): boolean {
  return name.length <= MAX_EVENT_TYPE_LENGTH && EVENT_TYPE.test(name);
}

/** Says whether a text is something to subscribe to: an event type, an event type and `.*`, or `*`. */
export function isValidEventPattern(pattern: string): boolean {
  if (pattern === ALL) return true;
  if (pattern.length > MAX_EVENT_TYPE_LENGTH) return false;
  return EVENT_TYPE.test(pattern.endsWith(PREFIX_END) ? pattern.slice(0, -PREFIX_END.length) : pattern);
}

/**
 * Says whether one pattern takes an event type; `build.*` takes `build.x` and `build.x.y`, not `build`. `*` takes
 * all but the operational types, which are only had by naming them (`webhook.failing`, `webhook.*`).
 */
export function matchesPattern(pattern: string, eventType: string): boolean {
  if (pattern === ALL) return !isOperationalEventType(eventType);
  if (pattern === eventType) return true;
  return pattern.endsWith(PREFIX_END) && eventType.startsWith(pattern.slice(0, -1));
}

/**
 * Compiles a tenant's subscriptions so that matching costs a few map lookups and the matches
 * themselves, however many webhooks there are.
 */
export function compileSubscriptions(items: Iterable<Subscription>): SubscriptionIndex {
  const everyProject = new PatternIndex();
  const byProject = new Map<string, PatternIndex>();
  for (const { id, patterns, projectId } of items) {
    const index = projectId === null ? everyProject : getOrAdd(byProject, projectId, () => new PatternIndex());
    for (const pattern of withoutCovered(patterns)) index.add(pattern, id);
  }
  return {
    match(eventType, projectId) {
      const ids: string[] = [];
      everyProject.collect(eventType, ids);
      if (projectId !== null) byProject.get(projectId)?.collect(eventType, ids);
      return ids;
    },
  };
}

/**
 * Drops the patterns that another pattern of the same webhook covers. What stays is disjoint, so a
 * webhook is found at most once per event and matching needs no deduplication.
 */
function withoutCovered(patterns: readonly string[]): string[] {
  const unique = [...new Set(patterns)];
  return unique.filter((pattern) => !unique.some((other) => other !== pattern && covers(other, pattern)));
}

function covers(wider: string, narrower: string): boolean {
  if (wider === ALL) return !OPERATIONAL_EVENT_TYPES.some((type) => matchesPattern(narrower, type.name));
  return wider.endsWith(PREFIX_END) && narrower.startsWith(wider.slice(0, -1));
}

class PatternIndex {
  private readonly all: string[] = [];
  /** Both by what stands before `.*` and by whole type. */
  private readonly byPrefix = new Map<string, string[]>();
  private readonly byType = new Map<string, string[]>();

  add(pattern: string, id: string): void {
    if (pattern === ALL) this.all.push(id);
    else if (pattern.endsWith(PREFIX_END)) {
      getOrAdd(this.byPrefix, pattern.slice(0, -PREFIX_END.length), () => []).push(id);
    } else getOrAdd(this.byType, pattern, () => []).push(id);
  }

  collect(eventType: string, into: string[]): void {
    // Who asks for everything means the product's events, not the service's word about its own webhooks.
    if (!isOperationalEventType(eventType)) append(into, this.all);
    append(into, this.byType.get(eventType));
    if (this.byPrefix.size === 0) return;
    for (let dot = eventType.indexOf('.'); dot !== -1; dot = eventType.indexOf('.', dot + 1)) {
      append(into, this.byPrefix.get(eventType.slice(0, dot)));
    }
  }
}

/** Not `push(...ids)`, which overflows the stack at some hundred thousand ids. */
function append(into: string[], ids: readonly string[] | undefined): void {
  if (ids !== undefined) for (const id of ids) into.push(id);
}

function getOrAdd<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

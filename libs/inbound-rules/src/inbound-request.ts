/** Names are lower-case. A header or parameter that came several times is an array. */
export type ValueMap = Readonly<Record<string, string | readonly string[] | undefined>>;

/** One HTTP request as it was received, before anything is believed of it. */
export interface InboundRequest {
  readonly method: string;
  /** Names in lower case, as Node.js has them. */
  readonly headers: ValueMap;
  readonly query: ValueMap;
  /** The bytes as they arrived: signatures are over these. */
  readonly body: Buffer;
  /** The client's address, as trusted proxies tell it. */
  readonly ip: string;
  readonly receivedAt: Date;
}

/** A header's value, null when it is not there; several of the same name joined as HTTP allows (RFC 9110, 5.3). */
export function headerOf(request: Pick<InboundRequest, 'headers'>, name: string): string | null {
  const value = own(request.headers, name.toLowerCase());
  if (value === undefined) return null;
  return typeof value === 'string' ? value : value.join(', ');
}

/** Only the first value of each name; names such as `__proto__` are ordinary. */
export function firstValues(values: ValueMap): Record<string, string> {
  const firsts = Object.entries(values).flatMap(([name, value]) => {
    const first = typeof value === 'string' ? value : value?.[0];
    return first === undefined ? [] : [[name, first] as const];
  });
  return Object.fromEntries(firsts);
}

function own(values: ValueMap, name: string): string | readonly string[] | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

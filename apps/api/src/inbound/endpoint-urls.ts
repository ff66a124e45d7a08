import type { InboundEndpointEntity } from '#database/entities/inbound-endpoint.entity';

/** What URLs of endpoints are made of. */
export interface UrlSettings {
  publicUrl: string;
  inboundHooks: boolean;
}

type Named = Pick<InboundEndpointEntity, 'urlKey' | 'name' | 'hookId'>;

/** Where outside systems post to. */
export function urlOf({ urlKey, name }: Named, { publicUrl }: UrlSettings): string {
  return `${publicUrl}/webhooks/${urlKey}/${name}`;
}

/** The endpoint's second URL, as adnanh/webhook has it, on installations that enable it. */
export function hookUrlOf({ hookId }: Named, { publicUrl, inboundHooks }: UrlSettings): string | null {
  return inboundHooks && hookId !== null ? `${publicUrl}/hooks/${hookId}` : null;
}

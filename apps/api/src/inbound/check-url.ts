import type { TenantDatabase } from '#database/tenant-database';
import type { AddressGuard } from '#delivery-client/address-guard';
import { AppError, invalidRequest } from '#kernel/app-error';
import { checkWebhookUrl } from '../sending/webhook-url';
import { readAllowedCidrs } from '../sending/sending.queries';

/** Refuses a URL that nothing of this tenant may be sent to. @throws AppError 400 naming the field. */
export async function checkUrl(
  database: TenantDatabase,
  guard: AddressGuard,
  tenantId: string,
  url: string,
  field: string,
): Promise<void> {
  const allowed = await database.run(tenantId, (manager) => readAllowedCidrs(manager, tenantId));
  try {
    await checkWebhookUrl(guard.allowing(allowed), url);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw invalidRequest(error.details.map(({ message }) => ({ field, message })));
  }
}

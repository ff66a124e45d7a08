import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import { createAddressGuard, type AddressGuard } from '#delivery-client/address-guard';
import { createDeliveryClient, type DeliveryClient } from '#delivery-client/delivery-client';

/** Injection token of the {@link AddressGuard}. */
export const ADDRESS_GUARD = Symbol('address guard');
/** Injection token of the API's own {@link DeliveryClient}, for test deliveries. */
export const DELIVERY_CLIENT = Symbol('delivery client');

/** The same guard and client as the dispatcher's, with the same settings. */
@Module({
  providers: [
    {
      provide: ADDRESS_GUARD,
      inject: [ENVIRONMENT],
      useFactory: ({ deliveryAllowedCidrs, requireHttps }: Environment) =>
        createAddressGuard({ allowedCidrs: deliveryAllowedCidrs, requireHttps }),
    },
    {
      provide: DELIVERY_CLIENT,
      inject: [ADDRESS_GUARD, ENVIRONMENT],
      useFactory: (guard: AddressGuard, { maxStoredResponseBytes }: Environment) =>
        createDeliveryClient({ guard, maxStoredResponseBytes }),
    },
  ],
  exports: [ADDRESS_GUARD, DELIVERY_CLIENT],
})
export class SendingModule implements OnApplicationShutdown {
  constructor(
    @Inject(DELIVERY_CLIENT) private readonly client: DeliveryClient,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await this.client.close(this.environment.stopDeadlineMs);
  }
}

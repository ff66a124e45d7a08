import { Injectable } from '@nestjs/common';
import { InboundActions } from '../inbound-actions/inbound-actions';
import { Admission } from '../retry/admission';
import { Claims } from '../retry/claims';

/** Claims what is due in the database, deliveries and inbound actions alike. */
@Injectable()
export class WaitingWork {
  constructor(
    private readonly claims: Claims,
    private readonly inbound: InboundActions,
    private readonly admission: Admission,
  ) {}

  /** @throws what the database throws. */
  async claimAll(): Promise<void> {
    await this.claims.claimAll();
    await this.inbound.claimAll();
    await this.admission.releaseIdleLeases();
  }
}

import { Module } from '@nestjs/common';
import { InboundModule } from '../inbound/inbound.module';
import { ChatController } from './chat.controller';
import { InboundChatEndpoints } from './inbound-chat-endpoints';
import { SlackCommands } from './slack-commands';
import { SlackLinksService } from './slack-links.service';

/** Chat commands on inbound endpoints, from wherever they come. */
@Module({
  imports: [InboundModule],
  controllers: [ChatController],
  providers: [InboundChatEndpoints, SlackCommands, SlackLinksService],
})
export class ChatModule {}

import { ApiProperty } from '@nestjs/swagger';
import { IsText } from '../../http/body-fields';
import { MAX_COMMAND_LENGTH } from '../interpret';

export class ChatCommandDto {
  @ApiProperty({ example: '/webhook create trading-signals', minLength: 1, maxLength: MAX_COMMAND_LENGTH })
  @IsText(1, MAX_COMMAND_LENGTH)
  text!: string;
}

export class ChatCommandResponse {
  @ApiProperty({ example: 'Deleted trading-signals.', description: 'What to show to the author of the command' })
  text!: string;
}

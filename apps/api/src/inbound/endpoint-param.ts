import { Param } from '@nestjs/common';
import { IdParam } from '../http/id-param';

/** The endpoint in the path, by name or id. */
export const EndpointParam = (): ParameterDecorator => Param('endpoint');

export const ActionParam = (): ParameterDecorator => IdParam('action_id', 'act', 'Action');

export const RequestParam = (): ParameterDecorator => IdParam('request_id', 'req', 'Request');

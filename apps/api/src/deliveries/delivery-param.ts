import { Param, type PipeTransform } from '@nestjs/common';
import { notFound } from '#kernel/app-error';
import { parseId } from '#kernel/ids';
import type { DeliveryRef } from './delivery-history';

/** The path's `delivery_id`, `del_…` or `del_test_…`. */
export function DeliveryParam(): ParameterDecorator {
  return Param('delivery_id', new ParseDeliveryIdPipe());
}

class ParseDeliveryIdPipe implements PipeTransform<string, DeliveryRef> {
  transform(text: string): DeliveryRef {
    const testId = parseId('del_test', text);
    const id = testId ?? parseId('del', text);
    if (id === null) throw notFound('Delivery');
    return { id, isTest: testId !== null };
  }
}

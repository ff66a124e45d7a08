import { Param, type PipeTransform } from '@nestjs/common';
import { notFound } from '#kernel/app-error';
import { parseId, type IdPrefix } from '#kernel/ids';

/**
 * An id in the path as the UUID behind it. What is no id of this kind belongs to nothing, so it is answered with 404.
 * @param what names the thing in the error's message, for example `Webhook`.
 */
export function IdParam(name: string, prefix: IdPrefix, what: string): ParameterDecorator {
  return Param(name, new ParseIdPipe(prefix, what));
}

class ParseIdPipe implements PipeTransform<string, string> {
  constructor(
    private readonly prefix: IdPrefix,
    private readonly what: string,
  ) {}

  transform(id: string): string {
    const uuid = parseId(this.prefix, id);
    if (uuid === null) throw notFound(this.what);
    return uuid;
  }
}

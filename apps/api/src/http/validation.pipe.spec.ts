import { IsArray, IsObject } from 'class-validator';
import type { AppError } from '#kernel/app-error';
import { FreeJson, IsNested, IsText, MayBeAbsent } from './body-fields';
import { RequestValidationPipe } from './validation.pipe';

class NestedDto {
  @IsText(1, 10)
  word!: string;
}

class Dto {
  @MayBeAbsent()
  @IsText(1, 10)
  name?: string;

  @MayBeAbsent()
  @IsArray()
  list?: unknown[];

  @MayBeAbsent()
  @IsNested(() => NestedDto)
  nested?: NestedDto;

  @MayBeAbsent()
  @FreeJson()
  @IsObject()
  free?: object;
}

const transform = (json: string): Promise<unknown> =>
  new RequestValidationPipe().transform(JSON.parse(json), { type: 'body', metatype: Dto });

describe('RequestValidationPipe', () => {
  it.each([
    ['{"name":{"constructor":1}}', 'name.constructor'],
    ['{"list":[{"constructor":null}]}', 'list.0.constructor'],
    ['{"nested":{"word":"a","__proto__":{}}}', 'nested.__proto__'],
    ['{"constructor":1}', 'constructor'],
    ['{"__proto__":1}', '__proto__'],
  ])('refuses %s as an unknown field', async (json, field) => {
    await expect(transform(json)).rejects.toMatchObject({
      status: 400,
      details: [{ field, message: 'is not a known field' }],
    } satisfies Partial<AppError>);
  });

  it('keeps free JSON as it was parsed', async () => {
    const json = '{"name":"a","free":{"constructor":{"prototype":1},"__proto__":[{"constructor":null}]}}';
    const dto = (await transform(json)) as Dto;
    expect(dto).toBeInstanceOf(Dto);
    expect(JSON.stringify(dto)).toBe(json);
  });
});

import { ApiProperty } from '@nestjs/swagger';
import { QueryInteger } from './query-fields';

export const DEFAULT_LIMIT = 20;
export const MAX_LIMIT = 100;
const MAX_OFFSET = 1_000_000_000;

/** Which page of a list is wanted. */
export class PageQuery {
  @QueryInteger(1, MAX_LIMIT, 'How many to answer at most', DEFAULT_LIMIT)
  limit: number = DEFAULT_LIMIT;

  @QueryInteger(0, MAX_OFFSET, 'How many to pass over', 0)
  offset: number = 0;
}

/** Where in a list an answer stands. */
export class Pagination {
  @ApiProperty({ example: 20 })
  limit!: number;

  @ApiProperty({ example: 0 })
  offset!: number;

  @ApiProperty({ example: false })
  has_more!: boolean;

  static of(page: PageQuery, total: number): Pagination {
    return { limit: page.limit, offset: page.offset, has_more: page.offset + page.limit < total };
  }
}

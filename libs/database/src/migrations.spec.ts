import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { MIGRATIONS, newestMigration } from './migrations';

const FOLDER = join(__dirname, '../../../migrations');

describe('the list of migrations', () => {
  // TypeORM runs them by number, and the apps wait for the last of the list: the two orders must be the same.
  it('names every file of the folder once, in the order of their numbers', () => {
    const numbers = readdirSync(FOLDER)
      .filter((file) => file.endsWith('.ts'))
      .map((file) => Number.parseInt(file, 10))
      .sort((a, b) => a - b);
    expect(MIGRATIONS.map(({ name }) => Number(name.slice(-13)))).toEqual(numbers);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(newestMigration()).toMatch(new RegExp(`${numbers.at(-1)}$`));
  });
});

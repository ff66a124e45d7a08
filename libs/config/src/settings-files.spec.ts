import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SETTINGS_FILES } from './settings-files';

describe.each(Object.entries(SETTINGS_FILES))('%s', (file, render) => {
  const path = join(__dirname, '../../..', file);

  it('says what the table of settings says (npm run settings writes it)', () => {
    const expected = render(readFileSync(path, 'utf8'));
    if (process.env['UPDATE_SETTINGS'] === '1') writeFileSync(path, expected);

    expect(readFileSync(path, 'utf8')).toBe(expected);
  });
});

it('.env.example sets nothing as it stands', () => {
  const text = readFileSync(join(__dirname, '../../../.env.example'), 'utf8');

  expect(text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([]);
});

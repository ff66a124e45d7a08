import { isValidEventType } from './event-matching';
import { BUILT_IN_EVENT_TYPES, TEST_EVENT_TYPE } from './event-types';

describe('the built-in event types', () => {
  const names = BUILT_IN_EVENT_TYPES.map(({ name }) => name);

  it('are the 19 of the reference, each once', () => {
    expect(new Set(names).size).toBe(19);
    expect(names).toHaveLength(19);
  });

  it('do not include the one for tests', () => {
    expect(names).not.toContain(TEST_EVENT_TYPE.name);
  });

  it.each([...BUILT_IN_EVENT_TYPES, TEST_EVENT_TYPE])('have a valid name and a description: $name', (type) => {
    expect(isValidEventType(type.name)).toBe(true);
    expect(type.description).toMatch(/^[A-Z].+\.$/);
  });
});

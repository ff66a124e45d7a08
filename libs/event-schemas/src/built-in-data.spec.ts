import { BUILT_IN_EVENT_TYPES } from '#webhook-rules/event-types';
import { BUILT_IN_DATA } from './built-in-data';
import { isJsonObject } from './json-schema';
import { readSchema } from './read-schema';

const check = (name: string, data: unknown) => {
  const read = readSchema(BUILT_IN_DATA.get(name)?.schema);
  if ('problem' in read) throw new Error(`${read.problem.field}: ${read.problem.message}`);
  return read.check(data, 'data');
};

describe('the built-in schemas', () => {
  it('are those of the built-in event types, in their order', () => {
    expect([...BUILT_IN_DATA.keys()]).toEqual(BUILT_IN_EVENT_TYPES.map(({ name }) => name));
  });

  describe.each([...BUILT_IN_DATA])('%s', (name, { schema, example }) => {
    const required = schema['required'] as string[];

    it('takes its example, of which it knows every field', () => {
      expect(check(name, example)).toEqual([]);
      expect(Object.keys(schema['properties'] as object)).toEqual(expect.arrayContaining(Object.keys(example)));
    });

    it('wants what identifies the thing and nothing else', () => {
      const identity = Object.fromEntries(required.map((field) => [field, example[field]]));
      expect(check(name, identity)).toEqual([]);
      expect(check(name, {})).toEqual([{ field: `data.${required[0]}`, message: 'is required' }]);
    });

    it('allows further fields', () => {
      expect(check(name, { ...example, something_else: [1] })).toEqual([]);
    });

    it('knows the types of its fields', () => {
      const wrong = Object.fromEntries(Object.keys(example).map((field) => [field, 1.5]));
      const wronglyTyped = Object.entries(example).filter(
        ([, value]) => typeof value === 'string' || isJsonObject(value),
      );
      for (const [field] of wronglyTyped) {
        expect(check(name, { ...example, [field]: wrong[field] })).toEqual([
          { field: `data.${field}`, message: expect.stringMatching(/^must be/) as string },
        ]);
      }
    });
  });

  it('take the payloads of the delivery history of the reference', () => {
    expect(
      check('build.failed', {
        build_id: 'build_122',
        project_id: 'proj_123',
        status: 'failed',
        error: 'Compilation error in main.js',
        commit_sha: 'def456ghi789',
        branch: 'feature/new-ui',
      }),
    ).toEqual([]);
  });
});

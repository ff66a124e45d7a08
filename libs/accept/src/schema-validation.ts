/** What happens to data that does not satisfy its schema: it is refused, accepted with a warning, or not looked at. */
export const VALIDATION_MODES = ['enforce', 'warn', 'off'] as const;
export type ValidationMode = (typeof VALIDATION_MODES)[number];

/** The mode by where an event type comes from. */
export interface SchemaValidation {
  built_in: ValidationMode;
  own: ValidationMode;
}

/** Publishers that worked before the built-in types had schemas go on working. */
export const DEFAULT_VALIDATION: SchemaValidation = { built_in: 'warn', own: 'enforce' };

/** The examples of the API's description. */
export const EXAMPLE_SCHEMA = {
  type: 'object',
  required: ['invoice_id'],
  properties: {
    invoice_id: { type: 'string' },
    amount: { type: 'number', minimum: 0 },
    currency: { type: 'string', pattern: '^[A-Z]{3}$' },
  },
};

export const EXAMPLE_DATA = { invoice_id: 'inv_123', amount: 49.9, currency: 'EUR' };

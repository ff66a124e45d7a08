import { dataSchema, ID, INSTANT, TEXT, type DataDescription } from './shared-schemas';

const USER = { user_id: ID, username: TEXT, email: TEXT, name: TEXT };
const SESSION = { session_id: ID, ip_address: TEXT, user_agent: TEXT };
const EXAMPLE = { user_id: 'user_123', username: 'alice_dev', email: 'alice@example.com' };
const EXAMPLE_SESSION = {
  session_id: 'session_123',
  ip_address: '203.0.113.1',
  user_agent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36',
};

/** `data` of the events of users. */
export const USER_DATA: Readonly<Record<string, DataDescription>> = {
  'user.registered': {
    schema: dataSchema(['user_id'], { ...USER, registration_method: TEXT, registered_at: INSTANT }),
    example: {
      ...EXAMPLE,
      name: 'Alice Johnson',
      registration_method: 'email',
      registered_at: '2024-01-01T12:00:00Z',
    },
  },
  'user.login': {
    schema: dataSchema(['user_id'], { ...USER, ...SESSION, login_method: TEXT, location: TEXT, logged_in_at: INSTANT }),
    example: {
      ...EXAMPLE,
      ...EXAMPLE_SESSION,
      login_method: 'password',
      location: 'Berlin, Germany',
      logged_in_at: '2024-01-01T12:00:00Z',
    },
  },
  'user.logout': {
    schema: dataSchema(['user_id'], { ...USER, ...SESSION, reason: TEXT, logged_out_at: INSTANT }),
    example: { ...EXAMPLE, ...EXAMPLE_SESSION, reason: 'user_initiated', logged_out_at: '2024-01-01T18:00:00Z' },
  },
};

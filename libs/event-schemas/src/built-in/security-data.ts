import { dataSchema, ID, TEXT, TEXTS, type DataDescription } from './shared-schemas';

/** `data` of the events of security; the example is the reference's (section "安全事件载荷"). */
export const SECURITY_DATA: Readonly<Record<string, DataDescription>> = {
  'security.alert': {
    schema: dataSchema(['alert_id'], {
      alert_id: ID,
      alert_type: TEXT,
      severity: TEXT,
      title: TEXT,
      description: TEXT,
      user: { type: 'object', properties: { user_id: ID, username: TEXT, email: TEXT } },
      details: { type: 'object' },
      actions_taken: TEXTS,
      recommended_actions: TEXTS,
    }),
    example: {
      alert_id: 'alert_123',
      alert_type: 'suspicious_login',
      severity: 'high',
      title: 'Suspicious login attempt detected',
      description: 'Multiple failed login attempts from unusual location',
      user: { user_id: 'user_123', username: 'alice_dev', email: 'alice@example.com' },
      details: {
        ip_address: '203.0.113.1',
        location: 'Unknown Location',
        user_agent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36',
        failed_attempts: 5,
        time_window: '5 minutes',
      },
      actions_taken: ['account_locked', 'notification_sent'],
      recommended_actions: ['change_password', 'enable_2fa', 'review_account_activity'],
    },
  },
};

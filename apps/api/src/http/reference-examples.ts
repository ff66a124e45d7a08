const INSTANT = '2024-01-01T12:00:00Z';
const URL = 'https://api.example.com/webhooks/trae';

const WEBHOOK = {
  url: URL,
  events: ['build.completed', 'build.failed', 'deployment.completed', 'deployment.failed'],
  name: 'CI/CD Notifications',
  description: 'Receive notifications for build and deployment events',
  secret: 'your-webhook-secret-key',
  active: true,
  project_id: 'proj_123',
  headers: { 'X-Custom-Header': 'custom-value', Authorization: 'Bearer your-api-token' },
  timeout: 30,
  retry_policy: { max_attempts: 3, backoff_strategy: 'exponential', initial_delay: 1000, max_delay: 60000 },
};

const CREATED = { created_at: INSTANT, updated_at: INSTANT, created_by: 'user_123' };

const TOTALS = { total_deliveries: 150, successful_deliveries: 145, failed_deliveries: 5 };
const LAST_DELIVERY = '2024-01-01T11:30:00Z';
const PAGE = { limit: 20, offset: 0, has_more: false };

const SUCCESS = {
  status: 'success',
  response_code: 200,
  response_time: 245,
  delivered_at: LAST_DELIVERY,
  attempts: 1,
};

const FAILURE = {
  status: 'failed',
  response_code: 500,
  response_time: 5000,
  delivered_at: '2024-01-01T11:00:00Z',
  attempts: 3,
};

const CHANGE = {
  events: ['build.completed', 'build.failed', 'deployment.completed', 'deployment.failed', 'security.alert'],
  active: true,
  timeout: 45,
  retry_policy: { max_attempts: 5, backoff_strategy: 'exponential', initial_delay: 2000, max_delay: 120000 },
};

const TEST_DELIVERY = {
  event_type: 'build.completed',
  payload: { build_id: 'build_test_123', project_id: 'proj_123', status: 'success', duration: 120 },
};

const DELIVERY = {
  delivery_id: 'del_789',
  webhook_id: 'webhook_456',
  event_type: 'build.completed',
  event_id: 'event_123',
  state: 'delivered',
  ...SUCCESS,
  response_body: 'OK',
  next_retry: null,
  payload: {
    event: 'build.completed',
    timestamp: LAST_DELIVERY,
    data: {
      build_id: 'build_123',
      project_id: 'proj_123',
      status: 'success',
      duration: 120,
      commit_sha: 'abc123def456',
      branch: 'main',
    },
  },
  attempt_log: [attempt(1, '2024-01-01T11:29:59.755Z', 200, 245)],
};

const FAILED_DELIVERY = {
  delivery_id: 'del_788',
  webhook_id: 'webhook_456',
  event_type: 'build.failed',
  event_id: 'event_122',
  state: 'exhausted',
  ...FAILURE,
  response_body: 'Internal Server Error',
  error: 'HTTP 500: Internal Server Error',
  next_retry: null,
  payload: {
    event: 'build.failed',
    timestamp: '2024-01-01T11:00:00Z',
    data: {
      build_id: 'build_122',
      project_id: 'proj_123',
      status: 'failed',
      error: 'Compilation error in main.js',
      commit_sha: 'def456ghi789',
      branch: 'feature/new-ui',
    },
  },
  attempt_log: [
    attempt(1, '2024-01-01T10:59:42Z', 500, 5000),
    attempt(2, '2024-01-01T10:59:48Z', 500, 5000),
    attempt(3, '2024-01-01T10:59:55Z', 500, 5000),
  ],
};

const EVENT = { event: 'build.completed', data: DELIVERY.payload.data, project_id: 'proj_123' };

/**
 * The examples of the reference (Trae Webhooks REST API), by operation; where the service answers more than the
 * reference shows, with what it adds. Contract tests hold them to the reference and to the answers.
 */
export const REFERENCE_EXAMPLES: Record<string, { request?: object; response?: object }> = {
  createWebhook: {
    request: WEBHOOK,
    response: {
      webhook_id: 'webhook_456',
      ...WEBHOOK,
      ...CREATED,
      stats: { total_deliveries: 0, successful_deliveries: 0, failed_deliveries: 0, last_delivery: null },
    },
  },
  listWebhooks: {
    response: {
      webhooks: [
        {
          webhook_id: 'webhook_456',
          url: URL,
          events: ['build.completed', 'build.failed'],
          name: WEBHOOK.name,
          description: WEBHOOK.description,
          active: true,
          project_id: 'proj_123',
          ...CREATED,
          stats: { ...TOTALS, last_delivery: LAST_DELIVERY, success_rate: 96.67 },
        },
      ],
      total: 1,
      pagination: PAGE,
    },
  },
  getWebhook: {
    response: {
      webhook_id: 'webhook_456',
      ...WEBHOOK,
      ...CREATED,
      stats: { ...TOTALS, last_delivery: LAST_DELIVERY, success_rate: 96.67, average_response_time: 250 },
      recent_deliveries: [
        { delivery_id: 'del_789', event_type: 'build.completed', ...SUCCESS },
        { delivery_id: 'del_788', event_type: 'build.failed', ...FAILURE, error: 'Internal Server Error' },
      ],
    },
  },
  updateWebhook: {
    request: CHANGE,
    response: {
      webhook_id: 'webhook_456',
      url: URL,
      name: WEBHOOK.name,
      description: WEBHOOK.description,
      ...CHANGE,
      updated_at: '2024-01-01T12:30:00Z',
    },
  },
  deleteWebhook: {
    response: { message: 'Webhook deleted successfully', webhook_id: 'webhook_456', deleted_at: INSTANT },
  },
  testWebhook: {
    request: TEST_DELIVERY,
    response: {
      delivery_id: 'del_test_999',
      event_type: 'build.completed',
      ...SUCCESS,
      response_body: 'OK',
      delivered_at: INSTANT,
      webhook_url: URL,
    },
  },
  listDeliveries: {
    response: {
      deliveries: [DELIVERY, FAILED_DELIVERY],
      total: 2,
      pagination: { ...PAGE, next_cursor: null },
      stats: { ...TOTALS, pending_deliveries: 0, success_rate: 96.67 },
    },
  },
  getDelivery: {
    response: {
      ...DELIVERY,
      attempt_log: DELIVERY.attempt_log.map((made) => ({ ...made, response_body: 'OK' })),
    },
  },
  redeliver: {
    response: {
      delivery_id: 'del_new_999',
      original_delivery_id: 'del_788',
      event_type: 'build.failed',
      status: 'pending',
      scheduled_at: INSTANT,
      webhook_url: URL,
    },
  },
  getWebhookStats: {
    response: {
      webhook_id: 'webhook_456',
      period: 'day',
      start_date: '2024-01-01T00:00:00Z',
      end_date: '2024-01-07T23:59:59Z',
      overall_stats: {
        ...TOTALS,
        pending_deliveries: 0,
        success_rate: 96.67,
        average_response_time: 250,
        median_response_time: 200,
        p95_response_time: 500,
      },
      daily_stats: [
        { date: '2024-01-01', ...counts(25, 24, 96), average_response_time: 245 },
        { date: '2024-01-02', ...counts(30, 29, 96.67), average_response_time: 230 },
      ],
      event_type_stats: [
        { event_type: 'build.completed', ...counts(80, 78, 97.5) },
        { event_type: 'build.failed', ...counts(20, 19, 95) },
        { event_type: 'deployment.completed', ...counts(30, 29, 96.67) },
        { event_type: 'deployment.failed', ...counts(20, 19, 95) },
      ],
    },
  },
  // The reference does not publish; its events are those of its history.
  publishEvent: { request: EVENT },
  publishEvents: { request: { events: [EVENT] } },
};

function counts(total: number, successful: number, successRate: number): object {
  return {
    total_deliveries: total,
    successful_deliveries: successful,
    failed_deliveries: total - successful,
    success_rate: successRate,
  };
}

function attempt(number: number, startedAt: string, statusCode: number, durationMs: number): object {
  const hasFailed = statusCode >= 400;
  return {
    attempt: number,
    started_at: startedAt,
    status: hasFailed ? 'failed' : 'success',
    response_code: statusCode,
    response_time: durationMs,
    error: hasFailed ? `HTTP ${statusCode}: Internal Server Error` : null,
    error_class: hasFailed ? 'http_status' : null,
  };
}

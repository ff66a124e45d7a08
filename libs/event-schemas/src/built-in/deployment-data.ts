import {
  ALICE,
  COUNT,
  dataSchema,
  DURATION,
  ID,
  INSTANT,
  PERSON,
  TEXT,
  URL_TEXT,
  type DataDescription,
} from './shared-schemas';

const IDENTITY = ['deployment_id', 'project_id'];
const DEPLOYMENT = {
  deployment_id: ID,
  build_id: ID,
  project_id: ID,
  project_name: TEXT,
  environment: TEXT,
  status: TEXT,
  started_at: INSTANT,
  commit_sha: TEXT,
  commit_message: TEXT,
  branch: TEXT,
  author: PERSON,
  deployed_by: PERSON,
  deployment_config: {
    type: 'object',
    properties: { strategy: TEXT, instances: COUNT, health_check_url: TEXT },
  },
};
const EXAMPLE = {
  deployment_id: 'deploy_123',
  build_id: 'build_123',
  project_id: 'proj_123',
  project_name: 'My Project',
  environment: 'production',
};
const ORIGIN = {
  commit_sha: 'abc123def456',
  commit_message: 'Fix bug in authentication',
  branch: 'main',
  author: ALICE,
  deployed_by: ALICE,
};

/** `data` of the events of deployments; the example of deployment.completed is the reference's. */
export const DEPLOYMENT_DATA: Readonly<Record<string, DataDescription>> = {
  'deployment.started': {
    schema: dataSchema(IDENTITY, DEPLOYMENT),
    example: {
      ...EXAMPLE,
      status: 'in_progress',
      started_at: '2024-01-01T12:03:00Z',
      ...ORIGIN,
      deployment_config: { strategy: 'rolling', instances: 3, health_check_url: '/health' },
    },
  },
  'deployment.completed': {
    schema: dataSchema(IDENTITY, { ...DEPLOYMENT, completed_at: INSTANT, duration: DURATION, url: URL_TEXT }),
    example: {
      ...EXAMPLE,
      status: 'success',
      started_at: '2024-01-01T12:03:00Z',
      completed_at: '2024-01-01T12:05:00Z',
      duration: 120,
      url: 'https://my-project.trae.app',
      ...ORIGIN,
      deployment_config: { strategy: 'rolling', instances: 3, health_check_url: '/health' },
    },
  },
  'deployment.failed': {
    schema: dataSchema(IDENTITY, {
      ...DEPLOYMENT,
      failed_at: INSTANT,
      duration: DURATION,
      error: { type: ['string', 'object'], properties: { type: TEXT, message: TEXT, details: { type: 'object' } } },
      logs_url: URL_TEXT,
    }),
    example: {
      ...EXAMPLE,
      status: 'failed',
      started_at: '2024-01-01T12:03:00Z',
      failed_at: '2024-01-01T12:04:00Z',
      duration: 60,
      ...ORIGIN,
      error: {
        type: 'health_check_failed',
        message: 'The health check did not answer within 30 seconds',
        details: { health_check_url: '/health', instance: 2 },
      },
      logs_url: 'https://app.trae.ai/projects/proj_123/deployments/deploy_123/logs',
    },
  },
};

import {
  ALICE,
  BOB,
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

const IDENTITY = ['build_id', 'project_id'];
const BUILD = {
  build_id: ID,
  project_id: ID,
  project_name: TEXT,
  commit_sha: TEXT,
  commit_message: TEXT,
  branch: TEXT,
  author: PERSON,
  started_at: INSTANT,
  environment: TEXT,
};
const OUTCOME = { status: TEXT, duration: DURATION, logs_url: URL_TEXT };

/** The message alone, as in the reference's delivery history, or all of it, as in its payload of build.failed. */
const FAILURE = {
  type: ['string', 'object'],
  properties: { type: TEXT, message: TEXT, details: { type: 'object' } },
};

/** `data` of the events of builds; the examples are the reference's (section "构建事件载荷"). */
export const BUILD_DATA: Readonly<Record<string, DataDescription>> = {
  'build.started': {
    schema: dataSchema(IDENTITY, {
      ...BUILD,
      trigger: TEXT,
      build_config: {
        type: 'object',
        properties: { node_version: TEXT, build_command: TEXT, output_directory: TEXT },
      },
    }),
    example: {
      build_id: 'build_123',
      project_id: 'proj_123',
      project_name: 'My Project',
      commit_sha: 'abc123def456',
      commit_message: 'Fix bug in authentication',
      branch: 'main',
      author: ALICE,
      trigger: 'push',
      started_at: '2024-01-01T12:00:00Z',
      environment: 'production',
      build_config: { node_version: '18.x', build_command: 'npm run build', output_directory: 'dist' },
    },
  },
  'build.completed': {
    schema: dataSchema(IDENTITY, {
      ...BUILD,
      ...OUTCOME,
      completed_at: INSTANT,
      artifacts: {
        type: 'array',
        items: { type: 'object', properties: { name: TEXT, size: COUNT, url: URL_TEXT } },
      },
      deploy_preview_url: URL_TEXT,
    }),
    example: {
      build_id: 'build_123',
      project_id: 'proj_123',
      project_name: 'My Project',
      commit_sha: 'abc123def456',
      commit_message: 'Fix bug in authentication',
      branch: 'main',
      author: ALICE,
      status: 'success',
      started_at: '2024-01-01T12:00:00Z',
      completed_at: '2024-01-01T12:02:00Z',
      duration: 120,
      environment: 'production',
      artifacts: [
        {
          name: 'build-output.zip',
          size: 1024576,
          url: 'https://cdn.trae.ai/builds/build_123/artifacts/build-output.zip',
        },
      ],
      logs_url: 'https://app.trae.ai/projects/proj_123/builds/build_123/logs',
      deploy_preview_url: 'https://build-123--my-project.trae.app',
    },
  },
  'build.failed': {
    schema: dataSchema(IDENTITY, { ...BUILD, ...OUTCOME, failed_at: INSTANT, error: FAILURE }),
    example: {
      build_id: 'build_124',
      project_id: 'proj_123',
      project_name: 'My Project',
      commit_sha: 'def456ghi789',
      commit_message: 'Add new feature',
      branch: 'feature/new-ui',
      author: BOB,
      status: 'failed',
      started_at: '2024-01-01T12:00:00Z',
      failed_at: '2024-01-01T12:01:30Z',
      duration: 90,
      environment: 'production',
      error: {
        type: 'compilation_error',
        message: 'Compilation failed: Unexpected token in main.js:45',
        details: { file: 'src/main.js', line: 45, column: 12, code: 'SyntaxError' },
      },
      logs_url: 'https://app.trae.ai/projects/proj_123/builds/build_124/logs',
    },
  },
};

/** `data` of the reference's example (section "build.completed"). */
export const BUILD_COMPLETED = {
  build_id: 'build_123',
  project_id: 'proj_123',
  project_name: 'My Project',
  commit_sha: 'abc123def456',
  commit_message: 'Fix bug in authentication',
  branch: 'main',
  author: {
    name: 'Alice Johnson',
    email: 'alice@example.com',
    username: 'alice_dev',
  },
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
};

import type { Target } from '../load/load-messages';

/** Some 700 bytes, of the reference's example of a finished build. */
const DATA = {
  ...{ build_id: 'build_123', project_id: 'proj_123', project_name: 'My Project', commit_sha: 'abc123def456' },
  ...{ commit_message: 'Fix bug in authentication', branch: 'main', status: 'success', duration: 120 },
  author: { name: 'Alice Johnson', email: 'alice@example.com', username: 'alice_dev' },
  ...{ started_at: '2024-01-01T12:00:00Z', completed_at: '2024-01-01T12:02:00Z', environment: 'production' },
  artifacts: [
    { name: 'build-output.zip', size: 1_024_576, url: 'https://cdn.example.com/builds/build_123/build-output.zip' },
  ],
  logs_url: 'https://app.example.com/projects/proj_123/builds/build_123/logs',
};

export interface Publication {
  token: string;
  paths: string[];
  projectId?: string;
  weight?: number;
  event?: string;
  /** Events in one request. */
  batch?: number;
}

export function target({
  token,
  paths,
  projectId,
  weight = 1,
  event: type = 'build.completed',
  batch,
}: Publication): Target {
  const event = { event: type, data: DATA, ...(projectId === undefined ? {} : { project_id: projectId }) };
  const body = batch === undefined ? event : { events: Array(batch).fill(event) };
  return { headers: { authorization: `Bearer ${token}` }, body: JSON.stringify(body), paths, weight };
}

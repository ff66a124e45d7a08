import { ALICE, COUNT, dataSchema, ID, INSTANT, PERSON, TEXT, URL_TEXT, type DataDescription } from './shared-schemas';

const IDENTITY = ['file_id', 'project_id'];
const FILE = {
  file_id: ID,
  project_id: ID,
  project_name: TEXT,
  file_path: TEXT,
  file_name: TEXT,
  file_type: TEXT,
  /** Bytes. */
  size: COUNT,
  commit_sha: TEXT,
  branch: TEXT,
};
const EXAMPLE = {
  file_id: 'file_123',
  project_id: 'proj_123',
  project_name: 'My Project',
  file_path: 'src/components/Button.jsx',
  file_name: 'Button.jsx',
  file_type: 'javascript',
};
const COMMIT = { commit_sha: 'abc123def456', branch: 'feature/button-improvements' };

/** `data` of the events of files; the example of file.updated is the reference's. */
export const FILE_DATA: Readonly<Record<string, DataDescription>> = {
  'file.created': {
    schema: dataSchema(IDENTITY, { ...FILE, created_by: PERSON, created_at: INSTANT }),
    example: { ...EXAMPLE, size: 1536, created_by: ALICE, created_at: '2024-01-01T12:00:00Z', ...COMMIT },
  },
  'file.updated': {
    schema: dataSchema(IDENTITY, {
      ...FILE,
      updated_by: PERSON,
      updated_at: INSTANT,
      changes: {
        type: 'object',
        properties: { lines_added: COUNT, lines_removed: COUNT, lines_modified: COUNT },
      },
      diff_url: URL_TEXT,
    }),
    example: {
      ...EXAMPLE,
      size: 2048,
      updated_by: ALICE,
      changes: { lines_added: 15, lines_removed: 8, lines_modified: 3 },
      ...COMMIT,
      diff_url: 'https://app.trae.ai/projects/proj_123/files/file_123/diff',
    },
  },
  'file.deleted': {
    schema: dataSchema(IDENTITY, { ...FILE, deleted_by: PERSON, deleted_at: INSTANT }),
    example: { ...EXAMPLE, deleted_by: ALICE, deleted_at: '2024-01-01T12:00:00Z', ...COMMIT },
  },
};

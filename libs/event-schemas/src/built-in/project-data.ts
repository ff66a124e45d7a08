import { ALICE, dataSchema, ID, INSTANT, PERSON, TEXT, TEXTS, URL_TEXT, type DataDescription } from './shared-schemas';

const PROJECT = { project_id: ID, project_name: TEXT, description: TEXT, visibility: TEXT, url: URL_TEXT };
const EXAMPLE = { project_id: 'proj_123', project_name: 'My Project' };

/** `data` of the events of projects. */
export const PROJECT_DATA: Readonly<Record<string, DataDescription>> = {
  'project.created': {
    schema: dataSchema(['project_id'], { ...PROJECT, created_by: PERSON, created_at: INSTANT }),
    example: {
      ...EXAMPLE,
      description: 'The web site of the company',
      visibility: 'private',
      url: 'https://app.trae.ai/projects/proj_123',
      created_by: ALICE,
      created_at: '2024-01-01T12:00:00Z',
    },
  },
  'project.updated': {
    schema: dataSchema(['project_id'], {
      ...PROJECT,
      updated_by: PERSON,
      updated_at: INSTANT,
      changed_fields: TEXTS,
    }),
    example: {
      ...EXAMPLE,
      visibility: 'public',
      url: 'https://app.trae.ai/projects/proj_123',
      changed_fields: ['visibility'],
      updated_by: ALICE,
      updated_at: '2024-01-01T12:00:00Z',
    },
  },
  'project.deleted': {
    schema: dataSchema(['project_id'], { ...PROJECT, deleted_by: PERSON, deleted_at: INSTANT }),
    example: { ...EXAMPLE, deleted_by: ALICE, deleted_at: '2024-01-01T12:00:00Z' },
  },
};

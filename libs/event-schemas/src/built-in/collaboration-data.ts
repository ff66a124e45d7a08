import {
  ALICE,
  BOB,
  dataSchema,
  ID,
  INSTANT,
  PERSON,
  TEXT,
  TEXTS,
  URL_TEXT,
  type DataDescription,
} from './shared-schemas';

const PROJECT = { project_id: ID, project_name: TEXT };
const EXAMPLE = { project_id: 'proj_123', project_name: 'My Project' };

/** `data` of the events of collaboration; the example of collaboration.invited is the reference's. */
export const COLLABORATION_DATA: Readonly<Record<string, DataDescription>> = {
  'collaboration.invited': {
    schema: dataSchema(['invitation_id', 'project_id'], {
      invitation_id: ID,
      ...PROJECT,
      inviter: PERSON,
      invitee: PERSON,
      role: TEXT,
      permissions: TEXTS,
      message: TEXT,
      expires_at: INSTANT,
      invitation_url: URL_TEXT,
    }),
    example: {
      invitation_id: 'invite_123',
      ...EXAMPLE,
      inviter: ALICE,
      invitee: { email: 'bob@example.com', name: 'Bob Smith' },
      role: 'developer',
      permissions: ['read', 'write', 'build'],
      message: 'Welcome to the team! Looking forward to working with you.',
      expires_at: '2024-01-08T12:00:00Z',
      invitation_url: 'https://app.trae.ai/invitations/invite_123',
    },
  },
  'collaboration.joined': {
    schema: dataSchema(['project_id', 'member'], {
      invitation_id: ID,
      ...PROJECT,
      member: PERSON,
      role: TEXT,
      permissions: TEXTS,
      joined_at: INSTANT,
    }),
    example: {
      invitation_id: 'invite_123',
      ...EXAMPLE,
      member: BOB,
      role: 'developer',
      permissions: ['read', 'write', 'build'],
      joined_at: '2024-01-02T09:30:00Z',
    },
  },
  'collaboration.left': {
    schema: dataSchema(['project_id', 'member'], {
      ...PROJECT,
      member: PERSON,
      role: TEXT,
      reason: TEXT,
      removed_by: { ...PERSON, type: ['object', 'null'] },
      left_at: INSTANT,
    }),
    example: {
      ...EXAMPLE,
      member: BOB,
      role: 'developer',
      reason: 'removed',
      removed_by: ALICE,
      left_at: '2024-02-01T17:00:00Z',
    },
  },
};

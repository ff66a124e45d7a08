import { BUILD_DATA } from './built-in/build-data';
import { COLLABORATION_DATA } from './built-in/collaboration-data';
import { DEPLOYMENT_DATA } from './built-in/deployment-data';
import { FILE_DATA } from './built-in/file-data';
import { PROJECT_DATA } from './built-in/project-data';
import { SECURITY_DATA } from './built-in/security-data';
import type { DataDescription } from './built-in/shared-schemas';
import { USER_DATA } from './built-in/user-data';

/** The schema and an example of `data` of every built-in event type, by its name. */
export const BUILT_IN_DATA: ReadonlyMap<string, DataDescription> = new Map(
  Object.entries({
    ...PROJECT_DATA,
    ...BUILD_DATA,
    ...DEPLOYMENT_DATA,
    ...COLLABORATION_DATA,
    ...FILE_DATA,
    ...USER_DATA,
    ...SECURITY_DATA,
  }),
);

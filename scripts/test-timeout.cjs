'use strict';

// Jest takes the option testTimeout for a whole run only; this is how each of its projects gets its own.
jest.setTimeout(globalThis.TEST_TIMEOUT_MS);

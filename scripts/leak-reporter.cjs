'use strict';

const EXIT_DEADLINE_MS = 20_000;

/**
 * Jest reporter that makes leaked handles a failure: Jest itself only warns when a worker has to be killed, and hangs
 * when the handle is in its own process.
 */
module.exports = class LeakReporter {
  constructor() {
    this.leaked = false;
    const print = console.error;
    // jest-runner tells of a worker that it had to kill in no other way.
    console.error = (...args) => {
      if (String(args[0]).includes('failed to exit gracefully')) this.leaked = true;
      print(...args);
    };
  }

  onRunComplete() {
    // Unreferenced: it only fires while something else keeps the process from ending.
    setTimeout(() => {
      process.stderr.write(
        `A test leaked handles, the run did not end: ${process.getActiveResourcesInfo().join(', ')}\n`,
      );
      process.exit(1);
    }, EXIT_DEADLINE_MS).unref();
  }

  getLastError() {
    return this.leaked ? new Error('A test file leaked handles; find them with --detectOpenHandles.') : undefined;
  }
};

'use strict';

const EXIT_DEADLINE_MS = 20_000;

/**
 * Jest reporter that ends a run which leaked handles keep from ending, and fails it. A worker that Jest had to end
 * itself is only told of, by Jest: it gives a worker half a second, and connections that are being closed properly
 * take longer on a busy machine, so that failing the run for it failed runs at random.
 */
module.exports = class LeakReporter {
  onRunComplete() {
    // Unreferenced: it only fires while something else keeps the process from ending.
    setTimeout(() => {
      process.stderr.write(
        `A test leaked handles, the run did not end: ${process.getActiveResourcesInfo().join(', ')}\n`,
      );
      process.exit(1);
    }, EXIT_DEADLINE_MS).unref();
  }
};

'use strict';

const MISSING =
  'The tests on Redis did not run: there is neither REDIS_URL nor a redis-server or valkey-server on the PATH. Install one (apt-get install redis-server) or set REDIS_URL.';

/** Jest reporter that says, as the last line of the run, that the Redis half was left out; REQUIRE_REDIS=1 makes that a failure. */
module.exports = class RedisReporter {
  // The global setup, which runs in this process, sets the variable; it is empty when no Redis was found.
  isMissing() {
    return process.env.TEST_REDIS_URL === '';
  }

  onRunComplete() {
    if (!this.isMissing()) return;
    // After the summary, which Jest prints later than this.
    process.once('exit', () => process.stderr.write(`\n${MISSING}\n`));
  }

  getLastError() {
    return this.isMissing() && process.env.REQUIRE_REDIS === '1' ? new Error(MISSING) : undefined;
  }
};

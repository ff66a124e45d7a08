/** Loaded into the service before its own code (`--require`), so that it stops in order when the demo was killed. */
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
// The listener alone would keep the service from ending.
process.channel?.unref();

/**
 * Stops the process once, gently: at SIGTERM, at SIGINT, and, under the local start (`LOCAL_PARENT=1`), when the
 * parent is gone. Exits with status 0 when `stop` is done and with 1 when it fails or takes longer than the deadline.
 * A second signal exits at once.
 * @param deadlineMs how long `stop` may take.
 * @param report is told what could not be stopped in order.
 */
export function onStopSignal(stop: () => Promise<void>, deadlineMs: number, report: (problem: string) => void): void {
  let stopping = false;
  const begin = (): void => {
    if (stopping) process.exit(1);
    stopping = true;
    setTimeout(() => {
      report(`not stopped within ${deadlineMs} ms`);
      process.exit(1);
    }, deadlineMs).unref();
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        report(String(error));
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', begin);
  process.on('SIGINT', begin);
  if (process.env['LOCAL_PARENT'] === '1') process.on('disconnect', begin);
}

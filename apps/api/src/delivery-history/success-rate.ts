/** The share of successful among all finished deliveries, percent with two decimals; 100 when nothing has finished. */
export function successRate(successful: number, failed: number): number {
  const finished = successful + failed;
  return finished === 0 ? 100 : Math.round((successful / finished) * 10_000) / 100;
}

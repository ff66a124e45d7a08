/** Values of different weight by key; what was used least recently goes first when all together weigh too much. */
export class WeightedCache<Value> {
  // A Map keeps the order of insertion: what is used is put in again, as the last to go.
  private readonly entries = new Map<string, { value: Value; weight: number }>();
  private totalWeight = 0;

  constructor(private readonly maxWeight: number) {}

  get(key: string): Value | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined) return undefined;
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry.value;
  }

  put(key: string, value: Value, weight: number): void {
    this.forget(key);
    this.entries.set(key, { value, weight });
    this.totalWeight += weight;
    for (const oldest of this.entries.keys()) {
      if (this.totalWeight <= this.maxWeight || oldest === key) break;
      this.forget(oldest);
    }
  }

  private forget(key: string): void {
    this.totalWeight -= this.entries.get(key)?.weight ?? 0;
    this.entries.delete(key);
  }
}

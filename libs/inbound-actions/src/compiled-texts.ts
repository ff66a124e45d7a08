/** Remembers what texts were compiled to; when it is full, it begins anew. */
export class CompiledTexts<T> {
  private readonly compiled = new Map<string, T>();

  constructor(
    private readonly compile: (text: string) => T,
    private readonly max: number,
  ) {}

  get(text: string): T {
    const known = this.compiled.get(text);
    if (known !== undefined) return known;
    if (this.compiled.size >= this.max) this.compiled.clear();
    const made = this.compile(text);
    this.compiled.set(text, made);
    return made;
  }
}

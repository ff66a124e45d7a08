import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** What the demo says at the terminal, in colour where there is one. */
export class StepLines {
  private readonly isColoured = process.stdout.isTTY && !process.env['NO_COLOR'];

  title(text: string): void {
    console.log(`\n${this.style('bold', text)}`);
  }

  done(text: string): void {
    console.log(`  ${this.style('green', '✓')} ${text}`);
  }

  note(text: string): void {
    console.log(`    ${this.style('dim', text)}`);
  }

  failed(text: string): void {
    console.error(`\n${this.style('red', '✗ The demo did not succeed:')} ${text}\n`);
  }

  /** Columns as wide as their widest cell. */
  table(rows: readonly (readonly string[])[]): void {
    const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
    for (const [index, row] of rows.entries()) {
      const line = row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('   ');
      console.log(`    ${index === 0 ? this.style('dim', line) : line}`.trimEnd());
    }
  }

  private style(style: Style, text: string): string {
    return this.isColoured ? styleText(style, text) : text;
  }
}

import { styleText } from 'node:util';
import Table from 'cli-table3';

type Style = Parameters<typeof styleText>[0];

/** Columns three spaces apart, without lines. */
const NO_BORDERS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '   ',
};

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

  /** Prints rows in columns; the first row is the heading. */
  table([heading = [], ...rows]: readonly (readonly string[])[]): void {
    const table = new Table({ chars: NO_BORDERS, style: { 'padding-left': 0, 'padding-right': 0, border: [] } });
    table.push(
      heading.map((cell) => this.style('dim', cell)),
      ...rows.map((row) => [...row]),
    );
    for (const line of table.toString().split('\n')) console.log(`    ${line}`.trimEnd());
  }

  private style(style: Style, text: string): string {
    return this.isColoured ? styleText(style, text) : text;
  }
}

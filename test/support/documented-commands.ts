import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from './wait-for';

const ROOT = join(__dirname, '..', '..');
const END = 'the-command-has-ended';
const DEADLINE_MS = 15_000;

/**
 * The shell commands of a section of the documentation, in order.
 * @param heading null for what stands above the first one.
 * @param places what stands there for something of the reader's own, and what the test has in its place.
 * @throws Error where the section, or one of the places, is not there.
 */
export function readCommands(file: string, heading: string | null, places: Record<string, string>): string[] {
  const [top = '', ...sections] = readFileSync(join(ROOT, file), 'utf8').split(/^(?=## )/m);
  const section = heading === null ? top : sections.find((text) => text.startsWith(`## ${heading}\n`));
  if (section === undefined) throw new Error(`${file} has no section ${heading}`);
  const missing = Object.keys(places).filter((place) => !section.includes(place));
  if (missing.length > 0) throw new Error(`${file}, ${heading}, does not mention ${missing.join(', ')}`);
  return [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) =>
    Object.entries(places).reduce((text, [place, own]) => text.replaceAll(place, own), block),
  );
}

/** A terminal of the reader's: what one command sets is there for the next. */
export class Terminal {
  private readonly shell: ChildProcess;
  private output = '';
  private errors = '';

  constructor(folder: string, variables: Record<string, string> = {}) {
    // A group of its own, so that what runs in the foreground ends with it.
    this.shell = spawn('bash', ['-euo', 'pipefail'], {
      cwd: folder,
      detached: true,
      env: { PATH: process.env['PATH'], ...variables },
    });
    this.shell.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.shell.stderr?.on('data', (chunk: Buffer) => (this.errors += chunk.toString()));
    this.shell.stdin?.on('error', () => undefined); // `run` tells of a shell that has ended
  }

  /** What a command that goes on, such as a server, has written so far. */
  get shown(): string {
    return this.output;
  }

  /** Begins a command and does not wait for its end. */
  start(command: string): void {
    this.output = '';
    this.shell.stdin?.write(command);
  }

  /** @returns what the command writes. @throws Error when it fails or does not end. */
  async run(command: string): Promise<string> {
    this.start(`${command}\nprintf '\\n%s\\n' ${END}\n`);
    await waitFor(
      `the end of ${command}`,
      () => {
        if (this.shell.exitCode !== null) throw new Error(`${command}\nfailed:\n${this.output}\n${this.errors}`);
        return this.output.includes(END);
      },
      DEADLINE_MS,
    );
    return this.output.slice(0, this.output.indexOf(END)).trim();
  }

  async close(): Promise<void> {
    if (this.shell.exitCode !== null || this.shell.signalCode !== null) return;
    const ended = once(this.shell, 'close');
    process.kill(-this.shell.pid!, 'SIGTERM');
    await ended;
  }
}

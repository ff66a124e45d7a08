import { createProgram } from './program';

/** Runs a command line that is rejected before anything happens. */
async function reject(...args: string[]): Promise<{ status: number | undefined; message: string }> {
  let status: number | undefined;
  let message = '';
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
    message += String(text);
    return true;
  });
  jest.spyOn(process, 'exit').mockImplementation((code) => {
    status = Number(code);
    throw new Error('exit');
  });
  await expect(createProgram().parseAsync(args, { from: 'user' })).rejects.toThrow('exit');
  return { status, message };
}

describe('the command line', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it.each([
    ['an unknown command', ['migrat'], /unknown command 'migrat'[\s\S]*migrate .*newest schema/],
    ['an unknown option', ['migrate', '--force'], /unknown option '--force'[\s\S]*Usage: webhooks migrate/],
    ['too many arguments', ['openapi', 'a.yaml', 'b.yaml'], /too many arguments/],
    ['a file that is missing', ['hooks', 'import'], /missing required argument 'file'/],
    [
      'a tenant that is none',
      ['hooks', 'import', 'hooks.yaml', '--tenant', 'acme'],
      /'--tenant <tenant_id>' argument 'acme' is invalid\. A tenant id begins with tenant_\./,
    ],
  ])('rejects %s and says what is allowed', async (_, args, message) => {
    const rejected = await reject(...args);

    expect(rejected.status).toBe(1);
    expect(rejected.message).toMatch(message);
  });

  it('passes all words of a chat command on, options too', async () => {
    const program = createProgram();
    const webhook = program.commands.find((command) => command.name() === 'webhook');
    const words: string[][] = [];
    webhook?.action((given: string[]) => void words.push(given));

    await program.parseAsync(['webhook', 'create', 'alerts', '--secret', 'abc123', '--help'], { from: 'user' });
    await program.parseAsync(['webhook', '--help'], { from: 'user' });

    expect(words).toEqual([['create', 'alerts', '--secret', 'abc123', '--help'], ['--help']]);
  });
});

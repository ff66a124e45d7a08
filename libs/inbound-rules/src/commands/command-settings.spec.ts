import type { ErrorDetail } from '#kernel/app-error';
import { contextValues, parseBody } from '../bodies/parse-body';
import { commandInputs } from './command-inputs';
import { API_NAMES, readCommandSettings } from './command-settings';

const PAYLOAD = { source: 'payload', name: 'upload' };

function read(given: Record<string, unknown>) {
  const problems: ErrorDetail[] = [];
  return { settings: readCommandSettings(given, API_NAMES, 'settings', problems), problems };
}

describe('readCommandSettings', () => {
  it('reads the names of the API', () => {
    const { settings } = read({
      command: '/usr/bin/deploy',
      working_directory: '/srv',
      arguments: [{ source: 'string', name: 'now' }],
      environment: [{ ...PAYLOAD, envname: 'UPLOAD' }],
      files: [PAYLOAD],
      include_output: true,
    });
    expect(settings).toEqual({
      command: '/usr/bin/deploy',
      working_directory: '/srv',
      arguments: [{ source: 'string', name: 'now' }],
      environment: [{ ...PAYLOAD, envname: 'UPLOAD' }],
      files: [{ ...PAYLOAD, envname: 'HOOK_UPLOAD', base64decode: false }],
      include_output: true,
      include_output_on_error: false,
    });
  });

  it.each<[Record<string, unknown>, string]>([
    [{}, 'settings.command'],
    [{ command: 'a\0b' }, 'settings.command'],
    [{ command: 'a', working_directory: '' }, 'settings.working_directory'],
    [{ command: 'a', arguments: 'x' }, 'settings.arguments'],
    [{ command: 'a', arguments: Array.from({ length: 101 }, () => PAYLOAD) }, 'settings.arguments'],
    [{ command: 'a', environment: [{ ...PAYLOAD, envname: 'A=B' }] }, 'settings.environment[0].envname'],
    [{ command: 'a', files: [{ source: 'payload' }] }, 'settings.files[0].name'],
    [{ command: 'a', include_output: 1 }, 'settings.include_output'],
  ])('refuses %j', (given, field) => {
    const { settings, problems } = read(given);
    expect(settings).toBeNull();
    expect(problems).toEqual([{ field, message: expect.any(String) as string }]);
  });
});

describe('commandInputs', () => {
  it('gives an uploaded file as it was uploaded', () => {
    const bytes = Buffer.from([0, 255, 1]);
    const body = Buffer.concat([
      Buffer.from('--X\r\nContent-Disposition: form-data; name="upload"; filename="a.bin"\r\n\r\n'),
      bytes,
      Buffer.from('\r\n--X--\r\n'),
    ]);
    const parsed = parseBody('multipart/form-data; boundary=X', body);
    const { settings } = read({ command: 'a', files: [PAYLOAD] });
    if (!('payload' in parsed) || settings === null) throw new Error('was refused');
    const request = { method: 'POST', headers: {}, query: {}, body, ip: '203.0.113.7', receivedAt: new Date(0) };
    expect(commandInputs(settings, contextValues(request, parsed)).files).toEqual([
      { envname: 'HOOK_UPLOAD', content: bytes },
    ]);
  });
});

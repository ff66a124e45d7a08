import { withholdSecrets } from './withhold-secrets';

describe('withholdSecrets', () => {
  it('censors secrets of a line and of the objects in it', () => {
    const line = { token: 't', webhook: { id: 'w', secret: 's' }, headers: { authorization: 'Bearer t', host: 'h' } };
    expect(withholdSecrets(line)).toEqual({
      token: '[secret]',
      webhook: { id: 'w', secret: '[secret]' },
      headers: { authorization: '[secret]', host: 'h' },
    });
    expect(line.token).toBe('t');
    expect(line.webhook.secret).toBe('s');
  });

  it('leaves a line without secrets as it is', () => {
    const line = { delivery: 'd', error: null, attempt: 1, err: new Error('no') };
    expect(withholdSecrets(line)).toBe(line);
  });

  it('leaves errors to the log, which writes only named parts of them', () => {
    const err = Object.assign(new Error('no'), { token: 't' });
    expect(withholdSecrets({ err })['err']).toBe(err);
  });
});

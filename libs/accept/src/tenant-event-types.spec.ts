import { DEFAULT_VALIDATION } from './schema-validation';
import { TenantEventTypes } from './tenant-event-types';

describe('the event types of a tenant', () => {
  const types = new TenantEventTypes(1n, new Map([['invoice.paid', 3]]), DEFAULT_VALIDATION);

  it('are the built-in ones and its own', () => {
    expect(types.isKnown('build.failed')).toBe(true);
    expect(types.isKnown('invoice.paid')).toBe(true);
    expect(types.isKnown('invoice.sent')).toBe(false);
    expect([types.isKnown('webhook.disabled'), types.versionOf('webhook.disabled')]).toEqual([true, null]);
    expect(TenantEventTypes.BUILT_IN_ONLY.isKnown('invoice.paid')).toBe(false);
  });

  it('are published in the newest version or an older one', () => {
    expect(types.versionOf('invoice.paid')).toBe('3');
    expect(types.versionOf('invoice.paid', '1')).toBe('1');
    expect(types.versionOf('build.failed')).toBe('1');
    expect(types.versionOf('constructor')).toBeNull();
  });

  it.each(['4', '0', '-1', '01', '1.0', ' 1', '', '99999999999999999999', 'x'])('have no version %j', (version) => {
    expect(types.versionOf('invoice.paid', version)).toBeNull();
  });
});

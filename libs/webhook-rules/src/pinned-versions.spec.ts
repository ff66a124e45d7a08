import { takesVersion } from './pinned-versions';

describe('takesVersion', () => {
  it('takes every version of a type that is not pinned', () => {
    expect(takesVersion({}, 'invoice.paid', '2')).toBe(true);
    expect(takesVersion({ 'invoice.sent': '1' }, 'invoice.paid', '2')).toBe(true);
    expect(takesVersion({}, 'constructor', '1')).toBe(true);
  });

  it('takes the pinned version alone', () => {
    expect(takesVersion({ 'invoice.paid': '1' }, 'invoice.paid', '1')).toBe(true);
    expect(takesVersion({ 'invoice.paid': '1' }, 'invoice.paid', '2')).toBe(false);
  });
});

import { TokenCache, type CachedToken } from './token-cache';

const accepted = (tokenId: string, tenantId = 'tenant'): CachedToken => ({
  refusal: null,
  expiresAtMs: null,
  caller: { tenantId, userId: 'user', tokenId, projectId: null, scopes: ['*'], limits: {}, eventTypesVersion: 0n },
});
const UNKNOWN: CachedToken = { refusal: 'unknown', tokenId: null, tenantId: null };

describe('TokenCache', () => {
  it('keeps accepted tokens longer than refusals, and neither for ever', () => {
    const cache = new TokenCache(10, 1_000, 100);
    cache.put('good', accepted('a'), 0);
    cache.put('bad', UNKNOWN, 0);
    expect([cache.get('good', 99), cache.get('bad', 99)]).toEqual([accepted('a'), UNKNOWN]);
    expect([cache.get('good', 999), cache.get('bad', 100)]).toEqual([accepted('a'), null]);
    expect(cache.get('good', 1_000)).toBeNull();
  });

  it('drops the one that was not used for longest when it is full', () => {
    const cache = new TokenCache(2, 1_000, 100);
    cache.put('first', accepted('1'), 0);
    cache.put('second', accepted('2'), 0);
    cache.get('first', 1);
    cache.put('third', accepted('3'), 2);
    expect(['first', 'second', 'third'].map((key) => cache.get(key, 3) !== null)).toEqual([true, false, true]);
  });

  it('does not drop real tokens for guesses', () => {
    const cache = new TokenCache(2, 1_000, 100);
    cache.put('real', accepted('1'), 0);
    for (let guess = 0; guess < 100; guess++) cache.put(`guess ${guess}`, UNKNOWN, 0);
    expect(cache.get('real', 1)).toEqual(accepted('1'));
  });

  it('forgets by token and by tenant', () => {
    const cache = new TokenCache(10, 1_000, 100);
    cache.put('1', accepted('1', 'a'), 0);
    cache.put('2', accepted('2', 'a'), 0);
    cache.put('3', accepted('3', 'b'), 0);
    cache.put('4', { refusal: 'suspended', tokenId: '4', tenantId: 'b' }, 0);
    cache.forget(['1'], ['b']);
    expect(['1', '2', '3', '4'].map((key) => cache.get(key, 1) !== null)).toEqual([false, true, false, false]);
  });

  it('lets a token that was refused be accepted, and the other way round', () => {
    const cache = new TokenCache(10, 1_000, 100);
    cache.put('key', UNKNOWN, 0);
    cache.put('key', accepted('1'), 1);
    expect(cache.get('key', 2)).toEqual(accepted('1'));
    cache.put('key', UNKNOWN, 3);
    expect(cache.get('key', 4)).toEqual(UNKNOWN);
  });
});

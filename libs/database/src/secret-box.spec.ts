import { randomBytes } from 'node:crypto';
import { createSecretBox } from './secret-box';

describe('createSecretBox', () => {
  const [oldKey, newKey] = [randomBytes(32), randomBytes(32)];

  it('opens what it sealed, and never shows the plain text', () => {
    const box = createSecretBox([oldKey]);
    const sealed = box.seal('a secret ✓', 'webhook:1:secret');
    expect(box.unseal(sealed, 'webhook:1:secret')).toBe('a secret ✓');
    expect(sealed.includes('a secret')).toBe(false);
  });

  it('opens boxes of an older key after a new one was put in front', () => {
    const sealed = createSecretBox([oldKey]).seal('kept', 'c');
    expect(createSecretBox([newKey, oldKey]).unseal(sealed, 'c')).toBe('kept');
    expect(() => createSecretBox([newKey]).unseal(sealed, 'c')).toThrow(/ENCRYPTION_KEY does not list/);
  });

  it('refuses a box moved to another row, and one that was altered', () => {
    const box = createSecretBox([oldKey]);
    const sealed = box.seal('kept', 'webhook:1:secret');
    expect(() => box.unseal(sealed, 'webhook:2:secret')).toThrow();
    sealed[sealed.length - 1] = (sealed[sealed.length - 1] ?? 0) ^ 1;
    expect(() => box.unseal(sealed, 'webhook:1:secret')).toThrow();
  });
});

import { openJson, sealJson, type StoredSecret } from './inbound-secrets';
import { createSecretBox } from './secret-box';

const ID = '01900000-0000-7000-8000-000000000001';
const OTHER_ID = '01900000-0000-7000-8000-000000000002';

describe('sealed columns of inbound tables', () => {
  const box = createSecretBox([Buffer.alloc(32, 1)]);
  const secrets: StoredSecret[] = [{ secret: 'n€w\0', valid_until: null }];
  const sealed = sealJson(box, 'inbound_endpoint:secrets', ID, secrets);

  it('open to what was sealed', () => {
    expect(openJson<StoredSecret[]>(box, 'inbound_endpoint:secrets', ID, sealed)).toEqual(secrets);
  });

  it('do not open in another row or column', () => {
    expect(() => openJson(box, 'inbound_endpoint:secrets', OTHER_ID, sealed)).toThrow();
    expect(() => openJson(box, 'inbound_action:secrets', ID, sealed)).toThrow();
  });
});

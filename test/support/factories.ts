import type { Scope } from '../../apps/api/src/caller/scopes';
import { ADMIN_TOKEN, type TestApi } from './api';

export interface TestTenant {
  tenantId: string;
  userId: string;
  tokenId: string;
  /** May do everything. */
  token: string;
}

/** A tenant with its first user and token, made through the operator API. */
export async function makeTenant(api: TestApi, name = 'Test tenant', limits = {}): Promise<TestTenant> {
  const response = await api
    .as(ADMIN_TOKEN)
    .post('/api/admin/tenants')
    .send({ name, user: { name: 'First user' }, limits })
    .expect(201);
  const body = response.body as {
    tenant_id: string;
    user: { user_id: string };
    token: { token_id: string; token: string };
  };
  return {
    tenantId: body.tenant_id,
    userId: body.user.user_id,
    tokenId: body.token.token_id,
    token: body.token.token,
  };
}

export interface TestToken {
  tokenId: string;
  token: string;
}

/** A further token of a tenant. */
export async function makeToken(
  api: TestApi,
  tenant: { token: string },
  scopes: Scope[],
  more: { expires_at?: string; project_id?: string; user_id?: string } = {},
): Promise<TestToken> {
  const response = await api
    .as(tenant.token)
    .post('/api/tokens')
    .send({ name: 'Test token', scopes, ...more })
    .expect(201);
  const body = response.body as { token_id: string; token: string };
  return { tokenId: body.token_id, token: body.token };
}

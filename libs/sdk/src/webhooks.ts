/**
 * Inbound webhooks within an application: `createWebhookManager`. Beside the rest of the SDK it brings what its storage
 * and actions need: libsql or pg, undici, nodemailer.
 */
export { AppError as WebhookError } from '#kernel/app-error';
export { createWebhookManager, type WebhookManager } from './inbound/webhook-manager';
export {
  WebhookResponse,
  type ActionInfo,
  type ActionResult,
  type LogEntry,
  type LogQuery,
  type NewWebhook,
  type ReceivedWebhook,
  type WebhookAction,
  type WebhookAnswer,
  type WebhookHandler,
  type WebhookInfo,
  type WebhookManagerOptions,
  type WebhookMetadata,
  type WebhookResult,
  type WebhookSettings,
} from './inbound/webhook-types';

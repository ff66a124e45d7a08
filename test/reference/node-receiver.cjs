'use strict';
// The receiver of the reference (section "签名验证", Node.js): its code as it stands, with its indentation restored. Only
// the lines between the two marks are ours: they make an app of Express and tell the test its port.

// ours >
const express = require('express');
const app = express();
// < ours
const crypto = require('crypto');

function verifyWebhookSignature(payload, signature, secret) {
  const expectedSignature = crypto
    .createHmac('sha256', secret)
    .update(payload, 'utf8')
    .digest('hex');

  const receivedSignature = signature.replace('sha256=', '');

  return crypto.timingSafeEqual(
    Buffer.from(expectedSignature, 'hex'),
    Buffer.from(receivedSignature, 'hex')
  );
}

// Express.js 中间件示例
app.use('/webhooks/trae', express.raw({ type: 'application/json' }));

app.post('/webhooks/trae', (req, res) => {
  const signature = req.headers['x-trae-signature-256'];
  const payload = req.body;
  const secret = process.env.WEBHOOK_SECRET;

  if (!verifyWebhookSignature(payload, signature, secret)) {
    return res.status(401).send('Unauthorized');
  }

  // 处理 Webhook 事件
  const event = JSON.parse(payload);
  console.log('Received event:', event.event);

  res.status(200).send('OK');
});

// ours >
const server = app.listen(0, '127.0.0.1', () => console.log(`listening on port ${server.address().port}`));
// < ours

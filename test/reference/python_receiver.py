# The receiver of the reference (section "签名验证", Python): verify_webhook_signature and the steps of handle_webhook as
# they stand, with their indentation restored. Flask, which need not be installed, is played by the standard library.
import hmac
import hashlib
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def verify_webhook_signature(payload, signature, secret):
    expected_signature = hmac.new(
        secret.encode('utf-8'),
        payload,
        hashlib.sha256
    ).hexdigest()

    received_signature = signature.replace('sha256=', '')

    return hmac.compare_digest(expected_signature, received_signature)


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_POST(self):
        signature = self.headers.get('X-Trae-Signature-256')
        payload = self.rfile.read(int(self.headers.get('Content-Length')))
        secret = os.environ.get('WEBHOOK_SECRET')

        if not verify_webhook_signature(payload, signature, secret):
            self.answer(401, b'Unauthorized')
            return

        event = json.loads(payload)
        print(f'Received event: {event["event"]}', flush=True)
        self.answer(200, b'OK')

    def answer(self, status, body):
        self.send_response(status)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
print(f'listening on port {server.server_port}', flush=True)
server.serve_forever()

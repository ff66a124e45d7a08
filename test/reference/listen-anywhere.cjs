'use strict';
// Loaded before a server that names its port: lets it listen on any free port of loopback, and tells the test which.

const { Server } = require('node:net');

const listen = Server.prototype.listen;
Server.prototype.listen = function listenAnywhere(_port, ...rest) {
  this.once('listening', () => console.log(`listening on port ${this.address().port}`));
  return listen.call(this, 0, '127.0.0.1', ...rest);
};

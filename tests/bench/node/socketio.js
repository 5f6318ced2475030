// Socket.IO as its documentation sets it up for several processes: one room, the Redis adapter,
// WebSocket only.
const { createServer } = require('node:http');
const { Server } = require('socket.io');
const { createAdapter } = require('@socket.io/redis-adapter');
const { createClient } = require('redis');

const [port, redis] = process.argv.slice(2);

async function main() {
  const pub = createClient({ url: redis });
  const sub = pub.duplicate();
  await Promise.all([pub.connect(), sub.connect()]);
  const http = createServer();
  const io = new Server(http, {
    adapter: createAdapter(pub, sub),
    transports: ['websocket'],
    serveClient: false,
  });
  let number = 0;
  io.on('connection', (socket) => {
    socket.join('room');
    socket.on('post', (body) => {
      number += 1;
      io.to('room').emit('message', {
        stream: 'bench.1',
        number,
        author: { id: 1, username: 'person1' },
        body,
      });
    });
  });
  http.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });
}

main();

// Plain `ws`: one room, one process, the text made once.
const { createServer } = require('node:http');
const { WebSocketServer } = require('ws');

const [port] = process.argv.slice(2);
const http = createServer();
const server = new WebSocketServer({ server: http });
let number = 0;
server.on('connection', (socket) => {
  socket.on('message', (data) => {
    number += 1;
    const author = { id: 1, username: 'person1' };
    const text = JSON.stringify({
      type: 'message',
      stream: 'bench.1',
      number,
      author,
      body: String(data),
    });
    for (const client of server.clients) client.send(text);
  });
});
http.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });

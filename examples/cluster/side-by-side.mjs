import { once } from 'node:events';
import { createServer, request } from 'node:http';

/**
 * The inspectors of several machines beside each other, as one page. An inspector lets nobody frame it, for
 * good reason: here a server between, which only this machine can reach, takes that field away.
 */
export class SideBySide {
  url = '';
  #machines = new Map();
  #servers = new Map();
  #page = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end(this.#html()));

  async listen(port) {
    await once(this.#page.listen(port, '127.0.0.1'), 'listening');
    this.url = `http://127.0.0.1:${this.#page.address().port}/`;
  }

  async add({ name, inspector }) {
    const target = new URL(inspector);
    const server = createServer(({ url, headers }, response) => {
      const asked = request(new URL(url, target), { headers: { ...headers, host: target.host } }, answer => {
        const { 'content-security-policy': _, ...fields } = answer.headers;
        response.writeHead(answer.statusCode, fields);
        answer.pipe(response);
      });
      asked.once('error', () => response.destroy()).end();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    this.#servers.set(name, server);
    this.#machines.set(name, `http://127.0.0.1:${server.address().port}/${target.search}`);
  }

  remove({ name }) {
    this.#machines.delete(name);
    this.#close(this.#servers.get(name));
    this.#servers.delete(name);
  }

  close() {
    for (const server of [this.#page, ...this.#servers.values()]) this.#close(server);
  }

  #close(server) {
    server?.closeAllConnections();
    server?.close();
  }

  #html() {
    const frames = [...this.#machines].map(
      ([name, url]) => `<section><h1>Machine ${name}</h1><iframe src="${url}"></iframe></section>`,
    );
    return `<!doctype html><meta charset="utf-8"><title>A cluster</title><style>
      body { display: flex; margin: 0; height: 100vh; font: 14px system-ui }
      section { flex: 1; display: flex; flex-direction: column } h1 { font-size: 1rem; margin: .5rem }
      iframe { flex: 1; border: 0; border-top: 1px solid gray }</style>${frames.join('')}`;
  }
}

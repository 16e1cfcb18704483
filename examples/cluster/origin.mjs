import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout } from 'node:timers/promises';

const SECTIONS = 20;
const FILLER = 'x'.repeat(8000);

/** The section that a page belongs to, which is what a purge names. */
export function sectionOf(page) {
  return `section-${page % SECTIONS}`;
}

/**
 * The program whose pages both machines keep: slow, and asked as little as can be. Each page says at which
 * version of its section it was made.
 */
export class Origin {
  /** How often it was asked. */
  asked = 0;
  url = '';
  #versions = new Map();
  #server = createServer((request, response) => void this.#answer(request, response));

  async listen() {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
  }

  /** Changes all pages of a section. @returns its version from now on */
  change(section) {
    const version = this.versionOf(section) + 1;
    this.#versions.set(section, version);
    return version;
  }

  versionOf(section) {
    return this.#versions.get(section) ?? 1;
  }

  close() {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer({ url }, response) {
    this.asked += 1;
    const section = sectionOf(Number(url.slice('/page/'.length)));
    const version = this.versionOf(section);
    await setTimeout(20);
    response.writeHead(200, {
      'Cache-Control': 'max-age=3600',
      'Cache-Groups': `"${section}"`,
      'Content-Type': 'text/plain',
      'X-Version': version,
    });
    response.end(`${url} as of version ${version} of ${section}\n${FILLER}`);
  }
}

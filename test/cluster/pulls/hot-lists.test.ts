import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { watchdog } from '../../support/watchdog.ts';
import { NatsServer, withNats } from '../support/nats-server.ts';
import { Shop } from '../support/shop.ts';

const KiB = 1024;
const PATHS = Array.from({ length: 60 }, (_, index) => `/${index}`);

suite('a machine that joins', withNats, () => {
  let server: NatsServer;
  before(async () => {
    server = await NatsServer.start();
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
  });

  /** Two machines that have all of it, of which the first paths are asked for most. */
  async function openShop(fields: Readonly<Record<string, string>> = {}): Promise<Shop> {
    const shop = await Shop.open(server.url, 2, ({ url, headers }, response) => {
      for (const [name, value] of Object.entries({ 'Cache-Control': 'max-age=600', ...fields }))
        response.setHeader(name, value);
      response.end(`${url} ${headers['accept-language']}`.padEnd(16 * KiB));
    });
    for (const [index, path] of PATHS.entries())
      for (const machine of shop.machines)
        for (let times = index < 20 ? 4 : 1; times > 0; times--)
          await machine.get(path, { 'Accept-Language': 'de' });
    shop.asked.length = 0;
    return shop;
  }

  test('has what others have, without a question to the origin', async () => {
    await using shop = await openShop();
    const joiner = await shop.join();
    await watchdog(joiner.harness.proxy.warmed, 'the warm-up');
    for (const path of PATHS) {
      const { headers, text } = await joiner.get(path);
      assert.match(String(headers['cache-status']), /iolite; hit; ttl=\d+$/, path);
      assert.equal(text.trim(), `${path} de`);
    }
    assert.deepEqual(shop.asked, []);
  });

  test('has what it owns, and the top of the rest, of a part of its budget', async () => {
    await using shop = await openShop();
    // Room for 26 of 60: what it owns of them, and ten of those that are asked for most.
    const joiner = await shop.join({ budget: 8 * 1024 * KiB, govern: false, warm: (26 * 16) / (8 * 1024) });
    await watchdog(joiner.harness.proxy.warmed, 'the warm-up');
    const isThere = new Map<string, boolean>();
    for (const path of PATHS) {
      const { status } = await joiner.get(path, { 'Cache-Control': 'only-if-cached' });
      isThere.set(path, status === 200);
    }
    assert.deepEqual(shop.asked, []);
    const there = PATHS.filter(path => isThere.get(path));
    assert.ok(there.length >= 24 && there.length <= 26, `${there.length}`);
    for (const path of PATHS.filter(each => shop.ownerOf(each) === 2))
      assert.equal(isThere.get(path), true, path);
    const rest = there.filter(path => shop.ownerOf(path) !== 2);
    assert.ok(
      rest.every(path => Number(path.slice(1)) < 20),
      `${rest}`,
    );
  });

  test('has what varies as others were asked for it', async () => {
    await using shop = await openShop({ Vary: 'Accept-Language' });
    const joiner = await shop.join();
    await watchdog(joiner.harness.proxy.warmed, 'the warm-up');
    const { headers, text } = await joiner.get('/3', { 'Accept-Language': 'de' });
    assert.match(String(headers['cache-status']), /iolite; hit/);
    assert.equal(text.trim(), '/3 de');
    assert.deepEqual(shop.asked, []);
    assert.equal((await joiner.get('/3', { 'Accept-Language': 'fr' })).text.trim(), '/3 fr');
  });

  test('is told nothing of what is selected by what may be a secret', async () => {
    await using shop = await openShop({ Vary: 'X-Api-Key' });
    const joiner = await shop.join();
    await watchdog(joiner.harness.proxy.warmed, 'the warm-up');
    const { status } = await joiner.get('/3', { 'Cache-Control': 'only-if-cached' });
    assert.equal(status, 504);
  });

  test('goes by its rate, and is ready after a time all the same', async () => {
    await using shop = await openShop();
    const joiner = await shop.join({ warmRate: 1, warmTimeout: 100 });
    await watchdog(joiner.harness.proxy.warmed, 'the time');
    let there = 0;
    for (const path of PATHS)
      if ((await joiner.get(path, { 'Cache-Control': 'only-if-cached' })).status === 200) there += 1;
    assert.ok(there <= 1, `${there}`);
  });

  test('gets nothing where it is not to', async () => {
    await using shop = await openShop();
    const joiner = await shop.join({ warm: 0 });
    await watchdog(joiner.harness.proxy.warmed, 'nothing');
    assert.equal((await joiner.get('/3', { 'Cache-Control': 'only-if-cached' })).status, 504);
  });
});

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, suite, test } from 'node:test';
import type { ClusterContext } from '../../../src/cluster/cluster-context.ts';
import { ClusterLog } from '../../../src/cluster/log/cluster-log.ts';
import { MachineTable } from '../../../src/cluster/machines/machine-table.ts';
import { Presence } from '../../../src/cluster/machines/presence.ts';
import { contextAt } from '../support/contexts.ts';
import { NatsServer, withNats } from '../support/nats-server.ts';

suite('the place of a machine', withNats, () => {
  let server: NatsServer;
  before(async () => {
    server = await NatsServer.start();
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
  });

  async function present(context: ClusterContext, epoch: string) {
    const table = new MachineTable();
    const log = new ClusterLog(context, { joined: machine => table.joined(machine), applied: () => {} });
    const entry = () => ({ epoch, log: log.applied.log, applied: log.applied.sequence, weight: 1 });
    const presence = new Presence(context, log, table, entry);
    await log.start();
    return { table, log, presence };
  }

  test('two machines with one name: the second is told at once, and the first stays', async () => {
    const name = randomBytes(8).toString('hex');
    await using context = await contextAt(server.url, { name, machine: 'a' });
    await using other = await contextAt(server.url, { name, machine: 'a' });
    const first = await present(context, 'one');
    await first.presence.join();
    const second = await present(other, 'two');
    await assert.rejects(second.presence.join(), {
      code: 'ERR_IOLITE_CLUSTER',
      message: /called a, and lives/,
    });
    assert(first.log.trustedUntil > 0);
    assert.equal(second.log.trustedUntil, 0);
    // Who is gone has its name back at once, and a machine that was taken for silent is found there.
    await first.presence.leave();
    await second.presence.join();
    second.table.joined('a');
    const [machine] = second.table.live();
    await second.presence.confirm(machine!);
    assert.equal(second.table.live()[0]?.entry?.epoch, 'two');
    await second.presence.leave();
    await second.presence.confirm(machine!);
    assert.deepEqual(second.table.live(), []);
    first.log.close();
    second.log.close();
  });
});

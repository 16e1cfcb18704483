import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sendDatagram } from '../../src/os/datagram.ts';
import { Folder } from '../support/folder.ts';
import { NotifyReceiver } from './support/notify-receiver.ts';

test('a text reaches a path and an abstract name; nobody there is an error', async () => {
  using folder = new Folder();
  for (const path of [folder.file('notify'), `@iolite-test-${process.pid}/notify`]) {
    {
      using receiver = new NotifyReceiver(path);
      sendDatagram(path, 'A=1\nB=2=3');
      assert.deepEqual(await receiver.next(), { A: '1', B: '2=3' });
    }
    assert.throws(() => sendDatagram(path, 'A=1'), {
      code: path.startsWith('@') ? 'ECONNREFUSED' : 'ENOENT',
    });
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaign } from '../../fuzz/campaign.ts';
import type { Target } from '../../fuzz/target.ts';
import { ChunkedFraming } from '../../src/http/message/framing/body-framing.ts';

/** Fails with a body in chunks that has an extension and comes to its end. */
function target(covers: readonly string[]): Target {
  return {
    name: 'framing',
    covers,
    tokens: ['0', '\r\n', ';a'],
    make: random => random.bytes(2),
    run: bytes => {
      const framing = new ChunkedFraming();
      const used = framing.take(bytes, undefined);
      const isAll = framing.isOver && used === bytes.length;
      if (isAll && bytes.includes(';')) throw new Error(`it is over: after ${used} bytes`);
    },
  };
}

test('what runs something new is kept, and leads to what the grammar never makes', async () => {
  const isOver = (cases: number): boolean => cases >= 20_000;
  const { finds, corpus, characters } = await campaign(target(['http/message/framing/']), {
    ...{ seed: 1, corpus: [Buffer.from('0\r\n\r\n')] },
    isOver,
  });
  assert.ok(corpus.length > 3);
  assert.ok(characters > 500);
  const [find] = finds;
  assert.match(String(find?.error), /it is over/);
  // Shrunk to what it needs.
  assert.match(String(find?.bytes.toString('latin1')), /^0;.\r\n\r\n$/s);
});

test('the same seed makes the same cases', async () => {
  const cases = async (): Promise<string> => {
    let all = '';
    await campaign(target([]), {
      ...{ seed: 7, corpus: [Buffer.from('0\r\n\r\n')], isOver: count => count > 100 },
      begins: batch => {
        all += batch.map(bytes => bytes.toString('hex')).join(' ');
      },
    });
    return all;
  };
  const first = await cases();
  assert.ok(first.length > 100);
  assert.equal(await cases(), first);
});

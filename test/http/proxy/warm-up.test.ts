import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProxy } from '../../../src/http/proxy/proxy.ts';
import { wantedOf } from '../../../src/http/proxy/warm-up.ts';

const peers = ['a', 'b'].map(name => ({ name, url: `http://${name}`, epoch: name }));

function hot(target: string, uses: number, selecting: readonly string[] = []) {
  return { target, size: 1, uses, selecting };
}

test('what a machine owns is wanted first, then what all others are asked for most', () => {
  const [a, b] = peers as [(typeof peers)[0], (typeof peers)[0]];
  const lists = [
    { peer: a, responses: [hot('/1', 9), hot('/2', 5), hot('/own', 1)] },
    { peer: b, responses: [hot('/2', 6), hot('/3', 1), hot('/2', 1, ['accept', 'text/*'])] },
  ];
  assert.deepEqual(
    wantedOf(lists, target => target === '/own').map(({ target, uses, peer, selecting }) => [
      ...[target, uses, peer.name],
      ...selecting,
    ]),
    [
      ['/own', 1, 'a'],
      ['/2', 11, 'b'],
      ['/1', 9, 'a'],
      ['/3', 1, 'b'],
      ['/2', 1, 'b', 'accept', 'text/*'],
    ],
  );
});

test('options of a warm-up are checked', () => {
  const origin = 'http://127.0.0.1:1';
  assert.throws(() => createProxy({ origin, warm: '1' as never }), { code: 'ERR_IOLITE_ARGUMENT' });
  for (const wrong of [
    { warm: 1.5 },
    { warm: -1 },
    { warm: Number.NaN },
    { warmRate: 0 },
    { warmTimeout: -1 },
  ])
    assert.throws(() => createProxy({ origin, ...wrong }), { code: 'ERR_IOLITE_RANGE' });
});

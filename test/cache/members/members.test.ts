import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Members } from '../../../src/cache/members/members.ts';
import { ChannelPair } from '../../support/channel-pair.ts';

test('who comes again by another channel has the one before closed, and nobody else has', () => {
  using one = new ChannelPair();
  using again = new ChannelPair();
  using other = new ChannelPair();
  const members = new Members();
  members.joined('a', one.near);
  members.joined('b', other.near);
  members.joined('a', one.near);
  assert.equal(one.near.closed, false);
  one.near.once('close', () => members.left(one.near));
  members.joined('a', again.near);
  assert.deepEqual(
    [one.near, again.near, other.near].map(({ closed }) => closed),
    [true, false, false],
  );
  // Who has left by the channel before has not left.
  members.left(one.near);
  using third = new ChannelPair();
  members.joined('a', third.near);
  assert.equal(again.near.closed, true);
});

test('who has left, or calls itself otherwise, is not remembered', () => {
  using one = new ChannelPair();
  using other = new ChannelPair();
  const members = new Members();
  members.joined('a', one.near);
  members.left(one.near);
  members.joined('a', other.near);
  assert.equal(one.near.closed, false);
  members.joined('b', other.near);
  members.joined('a', one.near);
  assert.equal(other.near.closed, false);
  members.joined('b', one.near);
  assert.equal(other.near.closed, true);
});

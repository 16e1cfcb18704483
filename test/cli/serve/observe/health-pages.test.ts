import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HealthPages } from '../../../../src/cli/serve/observe/health-pages.ts';
import type { ServerRequest } from '../../../../src/http/message/exchange.ts';
import { answerOf } from '../../../../src/http/message/promised-answer.ts';

test('one that lives may not be ready; other targets are for others', async () => {
  let isReady = false;
  const pages = new HealthPages(() => isReady);
  const statusOf = async (target: string, method = 'GET'): Promise<number | undefined> =>
    (await answerOf(pages, { method, target } as ServerRequest))?.status;
  assert.deepEqual([await statusOf('/health'), await statusOf('/ready')], [200, 503]);
  isReady = true;
  assert.deepEqual([await statusOf('/health?a'), await statusOf('/ready', 'HEAD')], [200, 200]);
  assert.equal(await statusOf('/ready', 'POST'), 405);
  for (const target of ['/', '/healthy', '/ready/', '/a/health', '/?/ready']) {
    assert.equal(await statusOf(target), undefined, target);
  }
});

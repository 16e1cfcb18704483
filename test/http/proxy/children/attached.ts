/**
 * A domain that sends what a proxy in its parent keeps, and has the rest answered by that proxy's server.
 * Asked by lines.
 */
import { createInterface } from 'node:readline';
import { Aggregate } from '../../../../src/aggregate/aggregate.ts';
import type { ServerRequest } from '../../../../src/http/message/exchange.ts';
import { AwaitedAnswer } from '../../../../src/http/message/promised-answer.ts';
import { attachProxy } from '../../../../src/http/proxy/attached-proxy.ts';
import { createProxy } from '../../../../src/http/proxy/proxy.ts';
import { parentChannel } from '../../../../src/ipc/meet/fork.ts';
import { watchdog } from '../../../support/watchdog.ts';

const front = process.argv[2] as string;
const forward = createProxy({ origin: front, budget: 0 });
const proxy = await attachProxy(parentChannel(), forward);

for await (const line of createInterface({ input: process.stdin })) {
  const { path, headers } = JSON.parse(line) as { path: string; headers: Record<string, string> };
  const request = requestOf(path, { host: new URL(front).host, ...headers });
  const awaited = new AwaitedAnswer();
  const answering = awaited.ask(proxy, request);
  const isHeld = !(answering instanceof Promise);
  const answer = await watchdog(Promise.resolve(answering), 'the answer');
  const { body } = answer ?? {};
  let text = '';
  let chunk: string | undefined;
  if (Aggregate.isAggregate(body)) {
    text = body.toString();
    chunk = body.slices()[0]?.id.chunk;
    body.release();
  } else {
    for await (const piece of body ?? []) {
      text += piece.toString();
      piece.release();
    }
  }
  process.stdout.write(`${JSON.stringify({ held: isHeld, status: answer?.status, text, chunk })}\n`);
}

function requestOf(target: string, headers: Record<string, string>): ServerRequest {
  return {
    method: 'GET',
    target,
    secure: false,
    remoteAddress: '127.0.0.1',
    rawHeaders: Object.entries(headers).flat(),
    header: name => headers[name],
    body: undefined,
  };
}

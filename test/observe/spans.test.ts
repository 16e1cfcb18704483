import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { createServer } from '../../src/http/server/server.ts';
import { startSpans, stopSpans } from '../../src/observe/spans.ts';
import { Harness } from '../http/proxy/support/harness.ts';
import { watchdog } from '../support/watchdog.ts';

const exporter = new InMemorySpanExporter();
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const traceparent = `00-${TRACE}-${PARENT}-01`;

before(() => {
  assert.equal(startSpans(), false, 'nobody is registered');
  new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
  assert.equal(startSpans(), true);
});
after(stopSpans);

async function spans(count: number) {
  const exported = async (): Promise<void> => {
    while (exporter.getFinishedSpans().length < count) await new Promise(setImmediate);
  };
  await watchdog(exported(), `${count} spans`);
  const all = exporter.getFinishedSpans();
  exporter.reset();
  return all;
}

test('a request is a span of its client, and active in whoever answers', async () => {
  await using server = createServer({
    handler: async request => {
      await new Promise(setImmediate);
      const active = trace.getActiveSpan()?.spanContext().spanId;
      const said = [active, request.header('traceparent')].join();
      if (request.target === '/fails') throw new TypeError('a bug');
      return { status: 200, headers: ['X-Said', said], body: undefined };
    },
  });
  await server.listen(0, '127.0.0.1');
  const url = `http://127.0.0.1:${server.address()?.port}`;
  const response = await fetch(`${url}/path?a=b`, { headers: { traceparent } });
  const [span] = await spans(1);
  assert.ok(span !== undefined);
  const { spanId, traceId } = span.spanContext();
  assert.equal(response.headers.get('x-said'), `${spanId},00-${TRACE}-${spanId}-01`);
  assert.deepEqual([span.name, span.kind, traceId], ['GET', SpanKind.SERVER, TRACE]);
  assert.equal(span.parentSpanContext?.spanId, PARENT);
  const { attributes } = span;
  assert.equal(attributes['http.request.method'], 'GET');
  assert.equal(attributes['url.path'], '/path');
  assert.equal(attributes['url.query'], 'a=b');
  assert.equal(attributes['http.response.status_code'], 200);
  await fetch(`${url}/fails`);
  const [failed] = await spans(1);
  assert.equal(failed?.status.code, SpanStatusCode.ERROR);
  assert.equal(failed?.attributes['error.type'], 'TypeError');
});

test('what a proxy asks its origin is a span, and the origin is told of it', async () => {
  await using harness = await Harness.start((_, response) => void response.writeHead(404).end());
  await harness.get('/path', { traceparent });
  const [span] = await spans(1);
  assert.ok(span !== undefined);
  const { spanId } = span.spanContext();
  assert.equal(harness.asked[0]?.headers.traceparent, `00-${TRACE}-${spanId}-01`);
  assert.deepEqual([span.kind, span.parentSpanContext?.spanId], [SpanKind.CLIENT, PARENT]);
  assert.equal(span.attributes['url.full'], `${harness.originUrl}/path`);
  assert.equal(span.status.code, SpanStatusCode.ERROR);
});

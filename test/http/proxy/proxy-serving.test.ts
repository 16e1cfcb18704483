import { makeResource } from '../../../src/http/proxy/resource.ts';
import { testServing } from '../../store/support/serving-suite.ts';
import { Harness } from './support/harness.ts';

testServing('a reverse proxy', async () => {
  const harness = await Harness.start((_, response) => {
    response.setHeader('Cache-Control', 'max-age=60').end('content of a response');
  });
  await harness.get('/');
  const { proxy } = harness;
  return {
    name: 'responses',
    key: makeResource('http', new URL(harness.url).host, '/').key,
    text: 'content of a response',
    owner: proxy,
    serve: (channel, otherwise) => proxy.serve(channel, otherwise),
    dispose: () => harness[Symbol.asyncDispose](),
  };
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Repeatable } from '../../../src/base/repeatable.ts';
import type { Answer, Handler, Recipient, ServerRequest } from '../../../src/http/message/exchange.ts';
import { compileRule } from '../../../src/http/rules/compiled-rule.ts';
import { Cors } from '../../../src/http/rules/cors.ts';
import { DressedHandler } from '../../../src/http/rules/dressed-handler.ts';
import { FieldSet } from '../../../src/http/rules/field-set.ts';
import { HostHandler } from '../../../src/http/rules/host-handler.ts';
import type { TargetedRule } from '../../../src/http/rules/rule.ts';
import { RuleBook } from '../../../src/http/rules/rule-book.ts';
import { RuleHandler } from '../../../src/http/rules/rule-handler.ts';
import { requestFor, saidAtOnce } from '../support/asked.ts';

/** Answers with its name and what it was asked for. */
function named(name: string, letsRepeat = true): Handler {
  return {
    letsRepeat,
    answer: ({ target, originalTarget }, recipient) => {
      const headers = [
        'X-Asked',
        `${name} ${target}${originalTarget === undefined ? '' : ` of ${originalTarget}`}`,
      ];
      recipient.answered({ status: 200, headers, body: undefined }, { mayRepeat: () => true });
      return undefined;
    },
  };
}

function ruling(rules: readonly TargetedRule[], otherwise = named('otherwise')): RuleHandler {
  return new RuleHandler(new RuleBook(rules.map(compileRule), { handler: otherwise }), undefined);
}

function said(handler: Handler, target: string, request: Partial<ServerRequest> = {}): readonly string[] {
  const answer = saidAtOnce(handler, requestFor(target, request));
  return typeof answer === 'object' ? answer.headers : [answer];
}

test('each rule that matches adds its fields, the first with a target says who answers', () => {
  const handler = ruling([
    { match: '/a/', headers: { A: '1', B: '1' } },
    { match: '/a/b', target: { handler: named('first') }, headers: { B: '2' } },
    { match: '/a/**', target: { handler: named('second') } },
  ]);
  assert.deepEqual(said(handler, '/a/b?q'), ['X-Asked', 'first /a/b?q', 'A', '1', 'B', '2']);
  assert.deepEqual(said(handler, '/a/c'), ['X-Asked', 'second /a/c', 'A', '1', 'B', '1']);
  assert.deepEqual(said(handler, '/x'), ['X-Asked', 'otherwise /x']);
  assert.deepEqual(said(handler, 'http://h.test/a/%62'), [
    'X-Asked',
    'first http://h.test/a/%62',
    'A',
    '1',
    'B',
    '2',
  ]);
});

test('a rewrite is seen by later rules; what is stripped is there for redirects', () => {
  const handler = ruling([
    { match: '/old/**', rewrite: '/new/$1' },
    { match: '/new/', target: { handler: named('new') }, strip: '/new' },
  ]);
  assert.deepEqual(said(handler, '/old/x?q'), ['X-Asked', 'new /x?q of /old/x?q']);
  assert.deepEqual(said(handler, '/new/%2f'), ['X-Asked', 'new /%2f of /new/%2f']);
  assert.deepEqual(said(handler, '/new'), ['X-Asked', 'new / of /new']);
});

test('what may be repeated stays so, where who answers lets it', () => {
  const mayRepeat = (letsRepeat: boolean): boolean => {
    let found: Repeatable | undefined;
    const recipient = {
      answered: (_: Answer, repeatable?: Repeatable) => {
        found = repeatable;
      },
    };
    ruling([{ match: '/**', headers: { A: 'a' } }], named('x', letsRepeat)).answer(
      requestFor('/'),
      recipient as Recipient,
    );
    return found !== undefined;
  };
  assert.deepEqual([mayRepeat(true), mayRepeat(false)], [true, false]);
});

test('a handler that fails is told of, and its 500 has the fields', () => {
  const failing: Handler = {
    answer: () => {
      throw new Error('a bug');
    },
  };
  const told: unknown[] = [];
  const handler = new DressedHandler(failing, new FieldSet(['A', 'a']), new Cors({}), error =>
    told.push(error),
  );
  const answer = saidAtOnce(handler, requestFor('/')) as Answer;
  assert.equal(answer.status, 500);
  assert.deepEqual(answer.headers.slice(-4), ['A', 'a', 'Access-Control-Allow-Origin', '*']);
  assert.equal(told.length, 1);
});

test('hosts are found by name, by the longest ending, and by whom HTTP/2 and proxies name', () => {
  const hosts = new Map([
    ['a.test', named('a')],
    ['*.a.test', named('below')],
    ['*.b.a.test', named('far below')],
  ]);
  const handler = new HostHandler(hosts, named('otherwise'));
  const by = (fields: Record<string, string>, target = '/'): string | undefined =>
    said(handler, target, { header: name => fields[name] })[1]?.replace(/ [^ ]*$/, '');
  assert.equal(by({ host: 'A.test:80' }), 'a');
  assert.equal(by({ host: 'x.a.test.' }), 'below');
  assert.equal(by({ host: 'x.b.a.test' }), 'far below');
  assert.equal(by({ host: '[::1]:80' }), 'otherwise');
  assert.equal(by({}), 'otherwise');
  assert.equal(by({ ':authority': 'a.test', host: 'x.a.test' }), 'a');
  assert.equal(by({ host: 'x.test' }, 'http://a.test/'), 'a');
  assert.throws(() => new HostHandler(new Map([['a b', named('x')]]), named('y')), {
    code: 'ERR_IOLITE_ARGUMENT',
  });
});

test('options that are wrong are refused', () => {
  const wrong: TargetedRule[] = [
    { match: 'a' },
    { match: '/a', rewrite: 'b' },
    { match: '/a', strip: '/a/' },
    { match: '/a', maxAge: '1 dya' },
    { match: '/a', headers: { 'A B': '' } },
    { match: '/a', cors: { origins: 'app.test' } },
  ];
  for (const rule of wrong) assert.throws(() => compileRule(rule), { code: 'ERR_IOLITE_ARGUMENT' });
});

test('rules hold for whatever those who answer may take for their paths', () => {
  const handler = ruling([
    { match: '/secret/**', target: { handler: named('guard') } },
    { match: '/old/**', redirect: '/new/$1' },
    { match: '/page', redirect: '/pages#one' },
    { match: '/far', redirect: { to: 'https://x.test/straße/日本?a=%20' } },
    { match: '/v/**', rewrite: '/v1/$1' },
    { match: '/st/', target: { handler: named('st') }, strip: '/st' },
  ]);
  const [answered, located] = [
    (target: string) => said(handler, target)[1],
    (target: string) => {
      const headers = said(handler, target);
      return headers[headers.indexOf('Location') + 1];
    },
  ];
  assert.equal(answered('//secret/x'), 'guard //secret/x');
  assert.equal(answered('/secret/a%0ab'), 'guard /secret/a%0ab');
  for (const dots of [
    '/a/../secret/x',
    '/a/%2e%2E/x',
    '/./x',
    '/a/..',
    '/a/..%2fsecret',
    '/a/..%5cx',
    '/st/..',
    // Whoever answers may take an encoded slash for one, and another rule holds then.
    '/secret%2fx',
    '/secret%2Fx/y',
    '/%2fsecret/x',
    '/st%2fx',
  ])
    assert.equal((saidAtOnce(handler, requestFor(dots)) as Answer).status, 400, dots);
  assert.equal(answered('/a/..b/.c/...'), 'otherwise /a/..b/.c/...');
  // The same rules hold either way.
  assert.equal(answered('/a%2fb'), 'otherwise /a%2fb');
  assert.equal(answered('/secret/a%2Fb'), 'guard /secret/a%2Fb');
  assert.equal(located('/old//evil.test/%2fx'), '/new/evil.test/%2fx');
  assert.equal(located('/old/a%2Fb%252f%25'), '/new/a%2Fb%252f%25');
  assert.equal(located('/page?q'), '/pages?q#one');
  assert.equal(located('/far'), 'https://x.test/stra%C3%9Fe/%E6%97%A5%E6%9C%AC?a=%20');
  assert.equal(answered('/v/a%2fb/%ff'), 'otherwise /v1/a%2fb/%ff');
  assert.equal(answered('/st//x'), 'st //x of /st//x');
});

test('what comes soon comes soon with fields, too', () => {
  const pending = { comesSoon: true, giveUp: () => {} };
  const handler = ruling([{ match: '/**', headers: { A: 'a' } }], { answer: () => pending });
  const recipient = { answered: () => {}, declined: () => {}, failed: () => {} };
  assert.equal(handler.answer(requestFor('/'), recipient)?.comesSoon, true);
});

test('origins are named by stars alone, and no Origin takes long', () => {
  const cors = new Cors({ origins: ['https://*-*-*.a.test', 'http://[::1]:80', 'https://*.b.test'] });
  const allowed = (origin: string): boolean =>
    cors.fieldsFor(requestFor('/', { header: name => (name === 'origin' ? origin : undefined) })).dress({
      status: 200,
      headers: [],
      body: undefined,
    }).headers.length > 2;
  for (const origin of ['https://a-b-c.a.test', 'http://[::1]:80', 'https://x.y.b.test'])
    assert.ok(allowed(origin), origin);
  for (const origin of [
    'https://b.test',
    'https://x.b.test.evil',
    'https://x.b.test/',
    'http://1:80',
    'null',
  ])
    assert.ok(!allowed(origin), origin);
  assert.ok(!allowed(`https://${'-'.repeat(16_000)}`));
});

test('paths that clients make up are not kept by the megabyte', () => {
  const book = new RuleBook([compileRule({ match: '/**', headers: { A: 'a' } })], { handler: named('x') });
  const long = `/${'x'.repeat(2000)}`;
  assert.notEqual(book.decide(long), book.decide(long));
  assert.equal(book.decide('/short'), book.decide('/short'));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../../../src/http/message/exchange.ts';
import { fieldOf } from '../../../src/http/message/header-list.ts';
import { HttpsRedirect } from '../../../src/http/server/https-redirect.ts';

function redirected(method: string, target: string, host: string | undefined, port = 443): string {
  let answer: Answer | undefined;
  new HttpsRedirect(() => port).answer(
    { method, target, header: (name: string) => (name === 'host' ? host : undefined) } as never,
    {
      answered: given => {
        answer = given;
      },
      declined: () => assert.fail(),
      failed: () => assert.fail(),
    },
  );
  return `${answer?.status} ${fieldOf(answer?.headers ?? [], 'location') ?? ''}`.trim();
}

test('a client of plain HTTP is sent to the same place by HTTPS', () => {
  const cases: [asked: Parameters<typeof redirected>, sent: string][] = [
    [['GET', '/a/b?c', 'example.com'], '301 https://example.com/a/b?c'],
    [['HEAD', '/', 'example.com:8080'], '301 https://example.com/'],
    [['POST', '/form', 'example.com'], '308 https://example.com/form'],
    [['GET', '/', 'example.com:80', 8443], '301 https://example.com:8443/'],
    [['GET', '//other.example/', '[::1]:80'], '301 https://[::1]//other.example/'],
    [['GET', 'http://asked.example:80/x', 'example.com'], '301 https://asked.example/x'],
    [['OPTIONS', '*', 'example.com'], '308 https://example.com/'],
    [['GET', '/', undefined], '400'],
    [['GET', '/', 'user@example.com'], '400'],
    [['GET', '/', 'a b'], '400'],
    [['GET', 'http://user@other.example/', 'example.com'], '400'],
  ];
  for (const [asked, sent] of cases) {
    assert.equal(redirected(...asked), sent, asked.join(' '));
  }
});

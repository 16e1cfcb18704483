import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attachmentOf } from '../../../src/http/message/content-disposition.ts';

test('the name of an attachment is told so that every client understands one of its spellings', () => {
  for (const [path, value] of [
    ['/x/plans.pdf', 'attachment; filename=plans.pdf'],
    ['my "plans".pdf', 'attachment; filename="my \\"plans\\".pdf"'],
    ['€ rates.pdf', `attachment; filename="? rates.pdf"; filename*=UTF-8''%E2%82%AC%20rates.pdf`],
    ["it's 50%41.txt", `attachment; filename="it's 50%41.txt"; filename*=UTF-8''it%27s%2050%2541.txt`],
    ['a\r\nb.txt', `attachment; filename="a??b.txt"; filename*=UTF-8''a%0D%0Ab.txt`],
    ['\ud800.txt', `attachment; filename="?.txt"; filename*=UTF-8''%EF%BF%BD.txt`],
  ] as const) {
    assert.equal(attachmentOf(path), value);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SmallHouse } from '../support/small-house.ts';

interface Check {
  deadLinksIn(site: string): string[];
}
const check = '../../../scripts/docs/dead-links.mjs';
const { deadLinksIn } = (await import(check)) as Check;

test('links of a site are followed to files and to what is named in them', () => {
  using house = new SmallHouse({
    'site/index.html': `
      <a href="pages/one.html">1</a> <a href="pages/one.html#part">2</a> <a href="#top">3</a>
      <a class="x" href="pages/two.html">4</a> <a href="pages/one.html#whole">5</a> <a href="#bottom">6</a>
      <img src="media/a%20b.svg"><img src="media/c.svg"> <h1 id="top">7</h1>`,
    'site/pages/one.html': `<h2 id="part"></h2> <a href="../">8</a> <a href="../media">9</a>
      <a href="https://x.test/#y">10</a> <a href="../../package.json">11</a> <a href="../notes.md">12</a>`,
    'site/media/a b.svg': '',
    'site/notes.md': '',
  });
  assert.deepEqual(deadLinksIn(house.file('site')).sort(), [
    'index.html: #bottom',
    'index.html: media/c.svg',
    'index.html: pages/one.html#whole',
    'index.html: pages/two.html',
    'pages/one.html: ../../package.json',
    'pages/one.html: ../media',
    'pages/one.html: ../notes.md',
  ]);
});

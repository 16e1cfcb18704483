import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AppView, appViewOptions } from '../../../src/http/server/app-view.ts';

function viewOf(view: Partial<AppView>): (path: string) => string | undefined {
  return appViewOptions({ root: '/site', site: {}, rules: [], strip: '', ...view }).linksAt;
}

test('names that begin with a dot are had as the site has them', () => {
  const ordinary = viewOf({});
  for (const path of ['/a', '/a/b.c', '/a%20b', '/a%2fb', '/ü?#%'])
    assert.equal(ordinary(path), 'inside', path);
  for (const path of ['/.a', '/a/.b/c', '/a/.well-known/b', '/.well-known/.b'])
    assert.equal(ordinary(path), undefined, path);
  assert.equal(ordinary('/.well-known/b'), 'inside');
  const strict = viewOf({ site: { wellKnown: false, symlinks: 'deny', dotfiles: 'deny' } });
  assert.equal(strict('/.well-known/b'), undefined);
  assert.equal(strict('/a'), 'deny');
  assert.equal(viewOf({ site: { dotfiles: 'allow', symlinks: 'follow' } })('/.a/.b'), 'follow');
});

test('what rules redirect, change or leave to others is not to be had', () => {
  const linksAt = viewOf({
    rules: [
      { match: '/open/in/**', by: 'application' },
      { match: '/private/**', by: 'others' },
      { match: '/moved/', redirect: '/elsewhere' },
      { match: '/named', rewrite: '/real' },
      { match: '/other/**', by: { root: '/other', site: {} } },
      { match: '/dots/**', by: { root: '/site', site: { dotfiles: 'allow' } } },
      { match: '/cut/**', strip: '/cut', by: { root: '/site', site: {} } },
      { match: '/app/**', by: 'application' },
      { match: '/open/**', by: 'others' },
      { match: '/fields/**' },
    ],
  });
  for (const path of ['/real', '/fields/a', '/app/a', '/open/in/a', '/dots/.a', '/a'])
    assert.equal(linksAt(path), 'inside', path);
  for (const path of [
    '/private',
    '/private/a',
    '/moved/a',
    '/named',
    '/other/a',
    '/cut/a',
    '/open/a',
    '/app/.a',
    '/.a',
  ])
    assert.equal(linksAt(path), undefined, path);
});

test("a rule's own files are those below the path that it takes off", () => {
  const linksAt = viewOf({
    root: '/other',
    strip: '/cut',
    rules: [
      { match: '/cut/secret', by: 'others' },
      { match: '/cut/**', strip: '/cut', by: { root: '/other', site: {} } },
    ],
  });
  assert.equal(linksAt('/a'), 'inside');
  assert.equal(linksAt('/secret'), undefined);
});

test('views that differ have different names, and others the same', () => {
  const nameOf = (view: Partial<AppView>): string =>
    appViewOptions({ root: '/site', site: {}, rules: [], strip: '', ...view }).name;
  const names = [
    {},
    { root: '/other' },
    { site: { dotfiles: 'allow' } as const },
    { strip: '/cut' },
    { rules: [{ match: '/a' }] },
    { rules: [{ match: '/a', by: 'others' as const }] },
    { rules: [{ match: '/a', by: { root: '/site', site: {} } }] },
  ].map(nameOf);
  assert.equal(new Set(names).size, names.length);
  assert.equal(nameOf({ site: { dotfiles: 'ignore', symlinks: 'inside' } }), nameOf({}));
});

test('the text of scripts is not to be had, nor through links', () => {
  const view = { root: '/site', site: {}, rules: [], strip: '' };
  const { linksAt, withholds, name } = appViewOptions({ ...view, scripts: [{}, { script: 'front.cgi' }] });
  for (const path of ['/x.php', '/in/x.PHP', '/front.cgi']) {
    assert.equal(linksAt(path), undefined, path);
    assert.equal(withholds?.(`/disk/site${path}`), true, path);
  }
  assert.equal(linksAt('/x.html'), 'inside');
  assert.equal(withholds?.('/disk/site/x.html'), false);
  assert.notEqual(name, appViewOptions(view).name);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ScriptNames, type ScriptPattern } from '../../../src/http/fastcgi/script-names.ts';

/** Of some paths those whose text is not to be sent. */
function withheld(paths: readonly string[], pattern: ScriptPattern = {}): string[] {
  const { isScript } = new ScriptNames(pattern);
  // What is known of a path is what was found out.
  for (const path of paths) assert.equal(isScript(path), isScript(path), path);
  return paths.filter(isScript);
}

test('a script is withheld however file systems take its name', () => {
  const scripts = ['/x.php', '/in/x.php', '/x.PHP', '/x.php.', '/x.php. .', '/X.pHp', '/a.php/b.php'];
  assert.deepEqual(withheld(scripts), scripts);
  assert.deepEqual(withheld(['/x.phps', '/x.php/page.html', '/php', '/x.php.html', '/']), []);
});

test('a pattern that says directories counts from whatever directory on', () => {
  const split = '^(/cgi/.+?\\.cgi)(/.*)?$';
  const scripts = ['/cgi/x.cgi', '/srv/site/cgi/x.cgi', '/srv/site/cgi/in/x.CGI'];
  assert.deepEqual(withheld([...scripts, '/x.cgi', '/srv/x.cgi'], { split }), scripts);
});

test('what answers where no script is named is one, whatever its name', () => {
  const scripts = ['/front.cgi', '/srv/site/front.cgi', '/Front.cgi'];
  for (const script of ['front.cgi', '/front.cgi'])
    assert.deepEqual(withheld([...scripts, '/other.cgi'], { script }), scripts);
});

test('a path of many names is looked at in no time that grows with its square', () => {
  const { isScript } = new ScriptNames({});
  let looks = 0;
  const exec = RegExp.prototype.exec;
  RegExp.prototype.exec = function (text) {
    looks += 1;
    return exec.call(this, text);
  };
  try {
    assert.equal(isScript('/a'.repeat(2000)), false);
  } finally {
    RegExp.prototype.exec = exec;
  }
  assert.ok(looks < 200, String(looks));
});

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { Folder } from '../../support/folder.ts';
import { PublicProgram, UNPRIVILEGED } from '../../support/public-program.ts';
import { iolite, MAIN, type Ran, run, shell } from '../support/tools.ts';

const folder = new Folder();
after(() => folder[Symbol.dispose]());
const cwd = folder.path;
writeFileSync(folder.file('text'), 'some\nlines\n');
writeFileSync(folder.file('large'), 'y\n'.repeat(2_000_000));

const TOOLS = [
  ['cat', 'large'],
  ['cat', '-n', 'large'],
  ['grep', 'y', 'large'],
  ['permute', 'x'.repeat(40)],
];

for (const args of TOOLS) {
  test(`${args[0]} ${args[1]}: a reader that goes ends it by SIGPIPE, quietly`, () => {
    const { stdout, stderr } = shell(`iolite ${args.join(' ')} | head -c 2 | wc -c; echo \${PIPESTATUS[@]}`, {
      cwd,
    });
    assert.equal(stdout.toString(), '2\n141 0 0\n');
    assert.equal(stderr, '');
  });
}

for (const [tool, args, code] of [
  ['cat', 'text', 1],
  ['cat', '-n text', 1],
  ['wc', 'text', 1],
  ['grep', 'some text', 2],
  ['permute', 'words', 1],
] as const) {
  test(`${tool} ${args}: a full disk is a write error`, () => {
    const { stderr, code: actual } = shell(`iolite ${tool} ${args} > /dev/full`, { cwd });
    assert.equal(stderr, `iolite ${tool}: write error: No space left on device\n`);
    assert.equal(actual, code);
  });
}

test('files without permission are passed over, with a complaint', () => {
  writeFileSync(folder.file('secret'), 'secret\n');
  chmodSync(folder.file('secret'), 0);
  chmodSync(folder.file('text'), 0o644);
  chmodSync(folder.path, 0o755);
  // Root may read everything.
  using program = new PublicProgram(MAIN);
  const iolite = (...args: string[]): Ran =>
    run(process.execPath, [program.path, ...args], { cwd, ...UNPRIVILEGED });
  const cat = iolite('cat', 'secret', 'text');
  assert.deepEqual([cat.code, cat.stdout.toString()], [1, 'some\nlines\n']);
  assert.equal(cat.stderr, 'iolite cat: secret: Permission denied\n');
  const grep = iolite('grep', 'some', 'secret', 'text');
  assert.deepEqual([grep.code, grep.stdout.toString()], [2, 'text:some\n']);
  assert.equal(grep.stderr, 'iolite grep: secret: Permission denied\n');
  const wc = iolite('wc', '-l', 'secret', 'text');
  assert.equal(wc.code, 1);
  assert.match(wc.stdout.toString(), /^ *2 text\n *2 total\n$/);
});

test('an output that is an input is refused before it grows without end', () => {
  for (const [tool, code] of [
    ['cat', 1],
    ['grep .', 2],
  ] as const) {
    writeFileSync(folder.file('grows'), 'text\n');
    const ended = shell(`iolite ${tool} grows >> grows; code=$?; wc -c < grows; exit $code`, { cwd });
    assert.equal(ended.stdout.toString(), '5\n', tool);
    assert.equal(ended.code, code);
  }
  // What is empty cannot grow.
  writeFileSync(folder.file('empty'), '');
  assert.equal(shell('iolite cat empty >> empty', { cwd }).code, 0);
});

test('the standard input may be a file, a pipe, a socket, a terminal, or closed', () => {
  const { stdout } = shell(
    [
      'iolite cat < text',
      'cat text | iolite cat -',
      'printf "%s\\n" typed | script -qec "stty -echo; iolite cat" /dev/null | ' +
        'tr -d "\\r" | grep typed | sort -u',
      'iolite cat <&- | wc -c',
      'iolite wc -l < text',
      '(iolite cat; iolite cat) < text',
    ]
      .join('\n')
      .replaceAll('iolite cat"', `'${process.execPath}' '${MAIN}' cat"`),
    { cwd },
  );
  assert.equal(stdout.toString(), 'some\nlines\nsome\nlines\ntyped\n0\n2\nsome\nlines\n');
  const socket = iolite(['wc', '-c'], { input: Buffer.alloc(100_000) });
  assert.equal(socket.stdout.toString(), '100000\n');
});

test('standard streams that somebody made non-blocking', () => {
  const script = [
    'const { spawn } = require("child_process")',
    // Node makes its own end non-blocking; both ends of a socket pair that the child inherits are.
    'const child = spawn(process.argv[1], process.argv.slice(2), { stdio: ["pipe", "pipe", "inherit"] })',
    'let length = 0; child.stdout.on("data", data => { length += data.length })',
    'let left = 50; const more = () => { if (left-- === 0) return child.stdin.end(); ' +
      'child.stdin.write(Buffer.alloc(100000), () => setTimeout(more, 1)) }; more()',
    'child.on("close", code => console.log(length, code))',
  ].join(';');
  const { stdout } = run(process.execPath, ['-e', script, process.execPath, MAIN, 'cat']);
  assert.equal(stdout.toString(), '5000000 0\n');
});

test('a line of 100 MB', () => {
  const script = [
    "head -c 100000000 /dev/zero | tr '\\0' x > line",
    'echo >> line; echo short >> line',
    'iolite grep -c x line',
    'iolite grep -v short line | wc -c',
    'cat line | iolite grep -n "^s.*t$"',
    'iolite cat -n line | tail -c 13',
    'iolite wc line',
  ].join('\n');
  const { stdout, stderr } = shell(script, { cwd });
  assert.equal(stderr, '');
  assert.equal(
    stdout.toString(),
    '1\n100000001\n2:short\n     2\tshort\n        2         2 100000007 line\n',
  );
});

test('help, unknown options and folders', () => {
  for (const tool of ['cat', 'grep', 'wc', 'permute']) {
    const help = iolite([tool, '--help']);
    assert.equal(help.code, 0);
    assert.match(help.stdout.toString(), new RegExp(`^Usage: iolite ${tool} `));
    const unknown = iolite([tool, '--nonsense']);
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, new RegExp(`^iolite ${tool}: unknown option '--nonsense'\n$`));
  }
  mkdirSync(folder.file('folder'), { recursive: true });
  const grep = iolite(['grep', 'x', 'folder'], { cwd });
  assert.deepEqual([grep.code, grep.stderr], [2, 'iolite grep: folder: Is a directory\n']);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCompressible, mediaTypeOf } from '../../../src/file/content/media-type.ts';

test('text has a charset, and what is unknown is bytes', () => {
  assert.equal(mediaTypeOf('/a/page.HTML'), 'text/html; charset=utf-8');
  assert.equal(mediaTypeOf('a.json'), 'application/json; charset=utf-8');
  assert.equal(mediaTypeOf('a.png'), 'image/png');
  assert.equal(mediaTypeOf('a.unheard-of'), 'application/octet-stream');
});

test('the files of web sites have the types that browsers want', () => {
  const types = {
    'favicon.ICO': 'image/x-icon',
    'a.eot': 'application/vnd.ms-fontobject',
    'a.flac': 'audio/flac',
    'a.m3u8': 'application/vnd.apple.mpegurl',
    'a.zst': 'application/zstd',
    'a.woff': 'font/woff',
    'a.woff2': 'font/woff2',
    'a.webmanifest': 'application/manifest+json; charset=utf-8',
    'a.avif': 'image/avif',
    'a.mjs': 'text/javascript; charset=utf-8',
    'a.js.map': 'application/json; charset=utf-8',
    'a.wasm': 'application/wasm',
    'a.constructor': 'application/octet-stream',
  };
  for (const [name, type] of Object.entries(types)) assert.equal(mediaTypeOf(name), type, name);
});

test('what is compressed already is told from what is not', () => {
  for (const name of [
    'a.html',
    'a.css',
    'a.js',
    'a.mjs',
    'a.json',
    'a.svg',
    'a.wasm',
    'a.xml',
    'a.txt',
    'a.csv',
  ]) {
    assert(isCompressible(mediaTypeOf(name)), name);
  }
  for (const name of [
    'a.webmanifest',
    'a.map',
    'a.ttf',
    'a.otf',
    'a.xhtml',
    'a.atom',
    'a.geojson',
    'a.md',
    'a.bmp',
    'a.ico',
  ]) {
    assert(isCompressible(mediaTypeOf(name)), name);
  }
  for (const name of [
    'a.png',
    'a.jpg',
    'a.webp',
    'a.mp4',
    'a.zip',
    'a.gz',
    'a.br',
    'a.woff2',
    'a.pdf',
    'a',
  ]) {
    assert(!isCompressible(mediaTypeOf(name)), name);
  }
});

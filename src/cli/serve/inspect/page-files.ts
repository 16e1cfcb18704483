/**
 * The files of the inspector's page, which the build puts here in place of these: see
 * scripts/inspector-page.mjs.
 */
export const PAGE_FILES = {
  html: '<!doctype html><title>iolite</title><p>The page is made by the build.</p>',
  script: '',
  style: '',
};

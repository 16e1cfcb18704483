/**
 * Lines are no longer than `max_line_length` of .editorconfig, in characters. Holds for code with its
 * comments: src/, test/, bench/, scripts/, examples/. Not for prose in Markdown, nor for JSON and what is
 * generated.
 */
export function longLines(project) {
  const most = Number(/^max_line_length\s*=\s*(\d+)\s*$/m.exec(project.text('.editorconfig'))?.[1]);
  if (Number.isNaN(most)) return [{ path: '.editorconfig', line: 1, what: 'it states no max_line_length' }];
  return project.files.flatMap(path =>
    project
      .text(path)
      .split('\n')
      .map((text, index) => ({ line: index + 1, length: Array.from(text).length }))
      .filter(({ length }) => length > most)
      .map(({ line, length }) => ({ path, line, what: `${length} characters in a line of at most ${most}` })),
  );
}

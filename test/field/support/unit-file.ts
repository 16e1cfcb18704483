/** How systemd is told of services and sockets (systemd.syntax(7)): sections, which have settings. */
export type UnitFile = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

/** @throws Error that names a line that is neither a section, nor a setting, nor a comment */
export function parseUnitFile(text: string): UnitFile {
  const sections = new Map<string, Map<string, string[]>>();
  let settings: Map<string, string[]> | undefined;
  for (const line of text.replaceAll('\\\n', ' ').split('\n')) {
    if (/^\s*([#;].*)?$/.test(line)) continue;
    const section = /^\[(\w+)\]$/.exec(line)?.[1];
    const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (section !== undefined) {
      settings = sections.get(section) ?? new Map();
      sections.set(section, settings);
    } else if (name === undefined || value === undefined || settings === undefined) {
      throw new Error(`Cannot read a unit: a section or a setting is wanted, ${line} was given`);
    } else settings.set(name, [...(settings.get(name) ?? []), value]);
  }
  return sections;
}

/** All that a setting was set to, in order. */
export function settingsOf(unit: UnitFile, section: string, name: string): readonly string[] {
  return unit.get(section)?.get(name) ?? [];
}

/** What it is set to last. @throws Error where it is not */
export function settingOf(unit: UnitFile, section: string, name: string): string {
  const value = settingsOf(unit, section, name).at(-1);
  if (value === undefined) throw new Error(`Cannot use a unit: [${section}] has no ${name}`);
  return value;
}

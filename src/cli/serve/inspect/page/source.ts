import { at } from './dom.ts';

const PATIENCE_MS = 5000;
const KEPT_AS = 'iolite-token';

/** The token in the address, which is taken out of it, or the one that was kept of this tab before. */
let token = takeToken();

function takeToken(): string {
  const [, given] = /^#token=(.+)$/.exec(location.hash) ?? [];
  if (given === undefined) return sessionStorage.getItem(KEPT_AS) ?? '';
  // It is to be in no history.
  history.replaceState(null, '', location.pathname);
  sessionStorage.setItem(KEPT_AS, given);
  return given;
}

/** An answer that is none, with its status. */
export class InspectorRefusal extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`The server answered ${status}.`);
    this.status = status;
  }
}

/** Asks our own server. @throws InspectorRefusal; TypeError where it does not answer */
export async function ask<T>(path: string): Promise<T> {
  const response = await fetch(path, {
    cache: 'no-store',
    credentials: 'omit',
    headers: token === '' ? {} : { Authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (!response.ok) throw new InspectorRefusal(response.status);
  return (await response.json()) as T;
}

/** Has the user give the token. @param given when it was */
export function askForToken(given: () => void): void {
  const form = at<HTMLFormElement>('entry');
  const field = at<HTMLInputElement>('token');
  if (!form.hidden) return;
  form.hidden = false;
  at('main').hidden = true;
  field.focus();
  form.onsubmit = event => {
    event.preventDefault();
    token = field.value.trim();
    sessionStorage.setItem(KEPT_AS, token);
    form.hidden = true;
    at('main').hidden = false;
    given();
  };
}

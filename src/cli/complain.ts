import { type ComplaintFormat, complaintLine } from '../base/complaint.ts';

let complaints: ComplaintFormat = 'text';
let notices: ComplaintFormat = 'text';

/** How this process says what is wrong, on stderr, from now on. */
export function setComplaintFormat(format: ComplaintFormat): void {
  complaints = format;
}

/** How it says the rest, on stdout. */
export function setNoticeFormat(format: ComplaintFormat): void {
  notices = format;
}

/** Says on stderr what is wrong: one line, or with the stack of an error. */
export function complain(text: string, error?: unknown): void {
  process.stderr.write(complaintLine(complaints, text, error));
}

/** Says on stdout what is well. */
export function notify(message: string): void {
  const line = { time: new Date().toISOString(), level: 'info', message };
  console.log(notices === 'text' ? message : JSON.stringify(line));
}

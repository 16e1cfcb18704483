import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { IoliteError } from '../../base/error.ts';
import type { Frame, FrameWriter } from '../../ipc/wire/frame.ts';
import {
  type LinkGreeting,
  readLinkConfirmation,
  readLinkGreeting,
  writeLinkConfirmation,
  writeLinkGreeting,
} from './link-greeting.ts';

const NONCE_BYTES = 16;

/** One side of a link, as it introduces itself. */
export interface LinkSide {
  /** Where it reads, and answers from. */
  readonly inbox: string;
  readonly greeting: LinkGreeting;
}

/** What both sides are to know. */
export interface LinkTrust {
  /** Of the cluster. Undefined: each is believed what it says. */
  readonly secret: string | undefined;
  /** What is asked at: of which cluster, and endpoint. */
  readonly subject: string;
}

/** What is proven: that it asks, answers, or was answered. */
type Step = 'ask' | 'answer' | 'confirmation';

/**
 * How each side of a link learns that the other one knows the cluster's secret, and is the machine that it
 * says:
 *
 *     asker -> answerer   its greeting, signed
 *     answerer -> asker   its own one, signed with the first
 *     asker -> answerer   both, signed: it is there now, and has asked this time
 *
 * Each signature (HMAC-SHA-256) is of the step, the subject, the inboxes, and all that the greetings say, of
 * which a random number is a part. So what was overheard proves nothing to anybody else, nor again: that
 * of who checks it is new. No clock is needed for that. Without a secret nothing is signed, and the third
 * message is empty.
 */
export class Introduction {
  readonly #trust: LinkTrust;
  readonly #own: LinkSide;
  /** What the asker has to prove yet. */
  #awaited: string | undefined;

  /** @param greeting what this side says */
  constructor(trust: LinkTrust, inbox: string, greeting: Omit<LinkGreeting, 'nonce' | 'proof'>) {
    this.#trust = trust;
    const nonce = randomBytes(NONCE_BYTES).toString('hex');
    this.#own = { inbox, greeting: { ...greeting, nonce, proof: undefined } };
  }

  /** Whether the peer has asked, and not proven yet that it did. */
  get isUnproven(): boolean {
    return this.#awaited !== undefined;
  }

  /** Writes what asks for a link. */
  writeAsk(writer: FrameWriter): void {
    this.#write(writer, proofOf(this.#trust, 'ask', this.#own));
  }

  /** Answers who has asked. */
  writeAnswer(writer: FrameWriter, asker: LinkSide): void {
    this.#write(writer, proofOf(this.#trust, 'answer', asker, this.#own));
    this.#awaited = proofOf(this.#trust, 'confirmation', asker, this.#own);
  }

  /**
   * An answer to our question: checks it, and confirms it where that is to be proven.
   * @throws ERR_IOLITE_ACCESS, ERR_IOLITE_PROTOCOL
   */
  answered(frame: Frame, inbox: string, writer: FrameWriter): LinkGreeting {
    const greeting = readLinkGreeting(frame);
    const answerer = { inbox, greeting };
    check(proofOf(this.#trust, 'answer', this.#own, answerer), greeting.proof, 'who answers');
    const confirmation = proofOf(this.#trust, 'confirmation', this.#own, answerer);
    if (confirmation !== undefined) writeLinkConfirmation(writer, confirmation);
    return greeting;
  }

  /** The asker's first frame after we have answered. @throws ERR_IOLITE_ACCESS, ERR_IOLITE_PROTOCOL */
  confirmed(frame: Frame): void {
    check(this.#awaited, readLinkConfirmation(frame), 'who has asked');
    this.#awaited = undefined;
  }

  #write(writer: FrameWriter, proof: string | undefined): void {
    writeLinkGreeting(writer, { ...this.#own.greeting, proof });
  }
}

/** Throws ERR_IOLITE_ACCESS unless who asks knows the secret, if there is one. */
export function checkAsk(trust: LinkTrust, asker: LinkSide): void {
  check(proofOf(trust, 'ask', asker), asker.greeting.proof, 'who asks');
}

/** @returns undefined where nothing is to be proven */
function proofOf(
  { secret, subject }: LinkTrust,
  step: Step,
  ...sides: readonly LinkSide[]
): string | undefined {
  if (secret === undefined) return undefined;
  const said = sides.map(({ inbox, greeting }) => [inbox, ...fieldsOf(greeting)]);
  return createHmac('sha256', secret)
    .update(JSON.stringify(['iolite link', step, subject, said]))
    .digest('hex');
}

function fieldsOf({ machine, heartbeatMs, maxPayload, quotas, nonce }: LinkGreeting): unknown[] {
  const { maxMessages, maxHeadBytes, maxBodyBytes, maxStreams } = quotas;
  return [machine, heartbeatMs, maxPayload, maxMessages, maxHeadBytes, maxBodyBytes, maxStreams, nonce];
}

function check(wanted: string | undefined, given: string | undefined, who: string): void {
  if (wanted === undefined) return;
  const [a, b] = [Buffer.from(wanted, 'hex'), Buffer.from(given ?? '', 'hex')];
  if (a.length === b.length && timingSafeEqual(a, b)) return;
  const why = given === undefined ? 'has signed nothing' : 'has not signed with the secret of the cluster';
  throw new IoliteError('ERR_IOLITE_ACCESS', `Cannot open link: ${who} ${why}`);
}

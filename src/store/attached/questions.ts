import { now } from '../../base/clock.ts';

/** A question to the owner that is not answered yet, and what has overtaken the answer. */
export interface Question {
  /** Whether the key was invalidated since it was asked for. */
  invalidated: boolean;
  /** The last version under the key that the owner said it has left; 0: none. */
  left: number;
  /** When it said so: who asks since is not to be given what this question is answered with. */
  leftAt: number;
}

/** What an index has asked its owner, by key. */
export class Questions {
  readonly #open = new Map<string, Question>();

  /** @returns the question, until {@link end} */
  begin(key: string): Question {
    const question = { invalidated: false, left: 0, leftAt: 0 };
    this.#open.set(key, question);
    return question;
  }

  end(key: string): void {
    this.#open.delete(key);
  }

  /** Whether a key was asked for, and is not answered. */
  has(key: string): boolean {
    return this.#open.has(key);
  }

  /** A key was invalidated. */
  invalidate(key: string): void {
    const question = this.#open.get(key);
    if (question !== undefined) question.invalidated = true;
  }

  /** The owner says that it has left a version under a key. */
  left(key: string, serial: number): void {
    const question = this.#open.get(key);
    if (question === undefined) return;
    question.left = serial;
    question.leftAt = now();
  }

  /** Since when who asks for a key is to be answered by a question of its own; 0: at any time. */
  leftAt(key: string): number {
    return this.#open.get(key)?.leftAt ?? 0;
  }
}

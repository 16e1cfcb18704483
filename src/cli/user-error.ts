/** A failure that is the user's to mend: its message is all there is to say. */
export class Failure extends Error {}

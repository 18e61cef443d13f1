/** Answered with lines that go on, where they can be: requests as they end. */
export const TAP_PATH = '/tap'

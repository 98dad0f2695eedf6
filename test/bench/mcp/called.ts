/** The tool that the bench calls: it has an argument to check, and its verb does nothing. */
export const called = "cancel_question";

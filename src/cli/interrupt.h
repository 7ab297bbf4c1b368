/* interrupt.h - SIGINT, SIGTERM and SIGHUP end a run at its next progress report; a second one ends the program at once. SIGBUS names
 * the file that went away while it was mapped and ends it. SIGPIPE ends it at once and without a word where the reader of standard output
 * has gone; journals and partial files stay, as after any kill. A file that grows too large (SIGXFSZ) is an error of writing. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

void cli_catch_signals(void);
/* The signal that came, or 0. */
int cli_interrupted(void);

#endif

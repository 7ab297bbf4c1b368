/* interrupt.h - signals. SIGINT, SIGTERM and SIGHUP end a run at its next progress report; a second one ends the
 * program at once. SIGBUS names the file that became unreadable while it was mapped and ends the program. SIGPIPE
 * ends it at once and silently if the reader of standard output has gone; journals and partial files stay, as after
 * any kill. A file that grows too large (SIGXFSZ) is a write error. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

void cli_catch_signals(void);
/* Returns the signal that came, or 0. */
int cli_interrupted(void);

#endif

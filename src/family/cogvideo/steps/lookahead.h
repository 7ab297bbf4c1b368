/* lookahead.h - how many places of each sequence a step looks at.
 *
 * A step reads all weights, whether for one place or for several. So the next codes of a sequence are guessed, their
 * places go through the step as rows, and each code is drawn by the random numbers that its place has anyway. Codes
 * are decided as long as what is drawn is what was guessed, and one more; what was drawn behind that is the guess of
 * the next step. A code is a function of the codes before it and of its place's random numbers, so neither width nor
 * guesses change one: the fixed point iteration of Wiggers and Hoogeboom, "Predictive Sampling with Forecasting
 * Autoregressive Models" (2020).
 *
 * Rows cost time all the same. The width that pays off follows the time of steps and the luck of guesses. */
#ifndef CV_FAMILY_COGVIDEO_STEPS_LOOKAHEAD_H
#define CV_FAMILY_COGVIDEO_STEPS_LOOKAHEAD_H

#include <stdbool.h>
#include <stdint.h>

#define CV_LOOKAHEAD_ROWS 32  /* the most rows of a step, over all sequences, that are tried unasked */
#define CV_LOOKAHEAD_WIDTHS 8 /* that are tried unasked, from 1 on */
/* Places of one sequence that go through a step together where their codes are known: any loop has room for so many. */
#define CV_REPLAY 16

/* In place of the widths and the guesses of a run, for tests and measurements. Either function may be NULL. */
typedef struct cv_lookahead_trial {
    int (*width)(void *user, int most); /* 1 .. most */
    /* codes [count] are the guesses of a sequence's places from `at` on, which is the next undecided one, counted as
     * the loop does. They may be replaced by other codes of the model. */
    void (*guess)(void *user, int sequence, int at, int count, int32_t *codes);
    void *user;
} cv_lookahead_trial;

/* Begin with cv_lookahead_begin. One is enough for a run of several loops. */
typedef struct cv_lookahead {
    int kind, live;                      /* of the loop that runs, and its sequences that have places left: times are
                                            known of such steps */
    int most;                            /* widest: there are rows for it */
    bool adapts;                         /* else it is always the widest */
    int width;                           /* of the step that runs */
    int since;                           /* steps since a width was looked at again */
    double codes[CV_LOOKAHEAD_WIDTHS];   /* that a sequence's step of each width decides: a running mean */
    double seconds[CV_LOOKAHEAD_WIDTHS]; /* of a whole step: a running mean; 0 = not measured */
    double trust[CV_LOOKAHEAD_WIDTHS];   /* in that: 1 when it was measured, and less from then on */
    const cv_lookahead_trial *trial;     /* NULL = none */
    /* Of all steps so far, for reports: */
    long long sequence_steps, looked, decided; /* of each sequence by itself; their places; codes that they decided */
} cv_lookahead;

/* Rows that a loop of so many sequences, each of `places` places, must have room for, for steps and for known codes;
 * `asked` is that of the options. */
int cv_lookahead_rows(int asked, int sequences, int places);
/* Before each loop of so many sequences, of which `live` have places left. What is known of guesses stays, what is
 * known of times where steps are of the same kind. */
void cv_lookahead_begin(cv_lookahead *ahead, int asked, int kind, int sequences, int live, int places);
/* Places to look at in the next step. */
int cv_lookahead_width(cv_lookahead *ahead);
/* Takes over what was drawn for `count` places, whose codes were guessed, and gives how many of them are decided: up to
 * the first that could not be drawn (below 0), which is an error only once it is the next one. Place i is
 * codes[places[i]], or codes[i] where `places` is NULL. */
int cv_lookahead_decide(int32_t *codes, const int *places, const int32_t *drawn, int count);
/* A sequence looked at so many places, and decided so many. */
void cv_lookahead_count(cv_lookahead *ahead, int looked, int decided);
/* A step of so many rows took so long. It counts where all sequences that were live at the beginning went through at
 * their full width. */
void cv_lookahead_time(cv_lookahead *ahead, int rows, double seconds);

#endif

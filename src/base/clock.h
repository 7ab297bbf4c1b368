/* clock.h - seconds from some fixed moment, never going back. */
#ifndef CV_BASE_CLOCK_H
#define CV_BASE_CLOCK_H

double cv_clock(void);

#endif

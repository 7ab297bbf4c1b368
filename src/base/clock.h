/* clock.h - a monotonic clock: seconds since some fixed moment. */
#ifndef CV_BASE_CLOCK_H
#define CV_BASE_CLOCK_H

double cv_clock(void);

#endif

/* units.h - amounts as people read them. */
#ifndef CV_BASE_UNITS_H
#define CV_BASE_UNITS_H

#define CV_UNITS 32 /* characters that an amount takes, with its NUL */

/* "1.5 GB" in `out`. */
void cv_units_bytes(char out[CV_UNITS], double bytes);
/* "1 h 02 min", "3 min 20 s", "12 s" in `out`. */
void cv_units_seconds(char out[CV_UNITS], double seconds);

#endif

/* order.h - names in natural order: frame-9 before frame-10. */
#ifndef CV_BASE_ORDER_H
#define CV_BASE_ORDER_H

/* Below, above or equal to 0, as strcmp. Runs of ASCII digits count as numbers of any length, all else by its bytes; names
 * that this does not tell apart ("7" and "07") stand by their bytes, so only equal names give 0. */
int cv_natural_compare(const char *a, const char *b);

#endif

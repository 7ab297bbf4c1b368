/* order.h - names in natural order: frame-9 before frame-10. */
#ifndef CV_BASE_ORDER_H
#define CV_BASE_ORDER_H

/* Compares like strcmp. Runs of ASCII digits compare as numbers of any length, all else byte by byte. Names that are
 * equal by this rule ("7" and "07") are compared byte by byte, so only equal names give 0. */
int cv_natural_compare(const char *a, const char *b);

#endif

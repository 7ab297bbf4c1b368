#include "base/order.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Skips a run of digits; returns its first digit after leading zeros and how many follow from there. */
static size_t take_number(const char **at, const char **digits)
{
    const char *p = *at;

    while (*p == '0')
        p++;
    *digits = p;
    while (is_digit(*p))
        p++;
    *at = p;
    return (size_t)(p - *digits);
}

int cv_natural_compare(const char *a, const char *b)
{
    const char *x = a, *y = b;

    while (*x && *y) {
        if (is_digit(*x) && is_digit(*y)) {
            const char *m, *n;
            size_t length = take_number(&x, &m), other = take_number(&y, &n);
            int order = length == other ? memcmp(m, n, length) : length < other ? -1 : 1;

            if (order != 0)
                return order;
        } else if (*x != *y) {
            break;
        } else {
            x++;
            y++;
        }
    }
    if (*x != *y)
        return (unsigned char)*x < (unsigned char)*y ? -1 : 1;
    return strcmp(a, b);
}

/* damage.h - one number of a model's file is changed, and put back. */
#ifndef TEST_SUPPORT_DAMAGE_H
#define TEST_SUPPORT_DAMAGE_H

#include "support/check.h"

typedef struct damage {
    char path[600], kept[4];
    size_t at, width;
} damage;

/* Puts `value` in the place of element `element` of a tensor in MODEL/FILE of the test's folder. */
damage damage_put(const char *model, const char *file, const char *name, size_t element, float value);
void damage_undo(const damage *d);

#endif

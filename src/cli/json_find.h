/* json_find.h - a member of a token stream's header, whose text the library has already checked to be a JSON object. */
#ifndef CLI_JSON_FIND_H
#define CLI_JSON_FIND_H

#include "args.h"

/* The numbers of the top-level array `key` of whole numbers, in fresh memory; .values is NULL where there is none. */
arg_ids json_find_ints(const char *object, const char *key);
/* The text of the top-level string `key` in fresh memory, its escapes undone; NULL where there is no such text. */
char *json_find_string(const char *object, const char *key);
/* The whole number `key` of the top-level object `member`, or of the top level itself where that is NULL. -1 where there
 * is no such number from 0 to `max`. */
int64_t json_find_integer(const char *object, const char *member, const char *key, int64_t max);

#endif

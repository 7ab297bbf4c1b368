#include "tokenizer/token_names.h"

#include <stdio.h>
#include <string.h>

#define CODE_NAME "<image_"

/* Whether a name is that of a code; *id = which, or -1 where it is no possible id. */
static bool find_code(const char *name, int32_t *id)
{
    const char *digits = name + strlen(CODE_NAME);
    int64_t number = 0;
    size_t length;

    if (strncmp(name, CODE_NAME, strlen(CODE_NAME)) != 0)
        return false;
    length = strspn(digits, "0123456789");
    if (length == 0 || strcmp(digits + length, ">") != 0)
        return false;
    for (size_t i = 0; i < length && number <= INT32_MAX; i++)
        number = number * 10 + (digits[i] - '0');
    *id = number <= INT32_MAX ? (int32_t)number : -1;
    return true;
}

int32_t cv_token_find(const cv_text *text, const char *name)
{
    int32_t id;

    if (cv_text_first_id(text) > 0 && find_code(name, &id))
        return id;
    id = cv_text_id(text, name);
    return id < 0 ? cv_text_unknown_id(text) : id;
}

const char *cv_token_name(const cv_text *text, int32_t id, char room[CV_TOKEN_NAME])
{
    if (id < 0 || id >= cv_text_first_id(text))
        return cv_text_piece(text, id);
    snprintf(room, CV_TOKEN_NAME, CODE_NAME "%d>", (int)id);
    return room;
}

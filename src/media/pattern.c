#include "media/pattern.h"

#include <string.h>

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

bool cv_pattern_is(const char *path)
{
    return strchr(file_name(path), '%') != NULL;
}

/* The place of the '%', the digits asked for (1 for a bare %d) and what follows; false where it is not the one
 * form that is accepted. */
static bool parse(const char *path, const char **percent, int *digits, const char **rest)
{
    const char *s = strchr(file_name(path), '%');

    if (!s)
        return false;
    *percent = s++;
    *digits = 1;
    if (s[0] == '0' && s[1] >= '1' && s[1] <= '9') {
        *digits = s[1] - '0';
        s += 2;
    }
    *rest = s + 1;
    return *s == 'd' && !strchr(*rest, '%');
}

static cogvideo_status refuse(const char *path, cogvideo_error *err)
{
    return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                   "%s: a numbered name has exactly one %%d or %%0Nd (N = 1 .. 9), such as frame-%%04d.jpg", path);
}

cogvideo_status cv_pattern_check(const char *path, cogvideo_error *err)
{
    const char *percent, *rest;
    int digits;

    return parse(path, &percent, &digits, &rest) ? COGVIDEO_OK : refuse(path, err);
}

cogvideo_status cv_pattern_expand(char **out, const char *path, int number, cogvideo_error *err)
{
    cv_buffer name = { 0 };
    const char *percent, *rest;
    int digits;
    cogvideo_status status;

    if (!parse(path, &percent, &digits, &rest))
        return refuse(path, err);
    CV_TRY(cv_buffer_append(&name, path, (size_t)(percent - path), err));
    CV_TRY(cv_buffer_printf(&name, err, "%0*d%s", digits, number, rest));
    *out = name.data;
    return COGVIDEO_OK;
fail:
    cv_buffer_free(&name);
    return status;
}

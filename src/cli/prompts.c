#include "prompts.h"

#include "options.h"
#include "output.h"
#include "progress.h"
#include "say.h"

#include "base/json.h"
#include "base/utf8.h"

#include <cogvideo/generate.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LINES 100000
#define MAX_LINE ((size_t)1 << 20)
#define MAX_LIST ((size_t)1 << 26) /* bytes of all lines */

static cogvideo_status read_members(cli_prompt_line *line, const cv_json *object, const char *origin,
                                    cogvideo_error *err)
{
    static const char *const keys[] = { "prompt", "seed", "output", NULL };
    const char *prompt = NULL, *output = NULL;
    cogvideo_status status;

    if (!cv_json_is_object(object))
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: a JSON object was expected", origin);
    if ((status = cv_json_check_keys(object, keys, origin, err)) != COGVIDEO_OK ||
        (status = cv_json_string(object, "prompt", &prompt, origin, err)) != COGVIDEO_OK ||
        (status = cv_json_optional_string(object, "output", &output, origin, err)) != COGVIDEO_OK ||
        (status = cv_json_optional_int(object, "seed", 0, COGVIDEO_MAX_SEED, &line->seed, origin, err)) != COGVIDEO_OK)
        return status;
    if (!prompt[strspn(prompt, " \t\r\n")])
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: 'prompt' is empty; it must describe the clip", origin);
    line->prompt = cli_format("%s", prompt);
    line->output = output ? cli_format("%s", output) : NULL;
    return COGVIDEO_OK;
}

static cogvideo_status read_scene(cli_prompt_line *line, const cv_json *object, const char *origin, cogvideo_error *err)
{
    static const char *const keys[] = { "text", "seconds", NULL };
    const char *text = NULL;
    cogvideo_status status;

    if (!cv_json_is_object(object))
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: a JSON object was expected", origin);
    if ((status = cv_json_check_keys(object, keys, origin, err)) != COGVIDEO_OK ||
        (status = cv_json_string(object, "text", &text, origin, err)) != COGVIDEO_OK ||
        (status = cv_json_optional_double(object, "seconds", 0.1, 1000, &line->seconds, origin, err)) != COGVIDEO_OK)
        return status;
    if (!text[strspn(text, " \t\r\n")])
        return cv_fail(err, COGVIDEO_ERROR_FORMAT, "%s: 'text' is empty; it must describe the scene", origin);
    line->prompt = cli_format("%s", text);
    return COGVIDEO_OK;
}

static int read_object(const cli_prompts *list, cli_prompt_line *line, const char *text, const char *path)
{
    char *origin = cli_format("%s: line %d", path, line->number);
    cv_json *json = NULL;
    cogvideo_error err;
    int status = CLI_OK;

    if (cv_json_parse(&json, text, strlen(text), origin, &err) != COGVIDEO_OK)
        status = cli_error("%s; a line that begins with { must be one JSON object", err.message);
    else if ((list->scenes ? read_scene : read_members)(line, json, origin, &err) != COGVIDEO_OK)
        status = cli_error("%s", err.message);
    cv_json_free(&json);
    free(origin);
    return status;
}

/* Whether a line looks like (the beginning of) a JSON array, which some programs write for lists, and not like a
 * prompt. */
static int is_array(const char *text)
{
    /* an array may also begin with the end of the line */
    return *text == '[' && strchr("{\"[]", text[1 + strspn(text + 1, " \t")]);
}

static int read_line(cli_prompts *out, char *text, size_t size, int number, const char *path)
{
    cli_prompt_line *line = &out->lines[out->count];

    if (size > MAX_LINE)
        return cli_error("%s: line %d is longer than the %zu bytes that a prompt may have", path, number, MAX_LINE);
    if (memchr(text, 0, size))
        return cli_error("%s: line %d contains a zero byte; text was expected", path, number);
    while (size > 0 && strchr(" \t", text[size - 1]))
        text[--size] = 0;
    text += strspn(text, " \t");
    if (!*text)
        return CLI_OK;
    *line = (cli_prompt_line){ .number = number, .seed = -1 };
    out->count++;
    if (*text == '{')
        return read_object(out, line, text, path);
    if (is_array(text))
        return cli_error("%s: line %d begins a JSON array; each line must be a prompt or a JSON object (JSON Lines)",
                         path, number);
    line->prompt = cli_format("%s", text);
    return CLI_OK;
}

/* Reads the next line without its end, which is LF, CR LF or CR; at most MAX_LINE + 1 bytes of it. Returns 0 after
 * the last line. */
static int next_line(FILE *file, char *text, size_t *size)
{
    int c = getc(file);

    *size = 0;
    if (c == EOF)
        return 0;
    for (; c != EOF && c != '\n' && c != '\r' && *size <= MAX_LINE; c = getc(file))
        text[(*size)++] = (char)c;
    text[*size] = 0;
    if (c == '\r' && (c = getc(file)) != '\n' && c != EOF)
        ungetc(c, file);
    return 1;
}

static int read_lines(cli_prompts *out, FILE *file, char *text, const char *name)
{
    const char *other;
    size_t size, all = 0, mark;
    int status = CLI_OK;

    for (int number = 1; status == CLI_OK && next_line(file, text, &size); number++) {
        if (number == 1 && (other = cv_utf8_other(text, size)))
            return cli_error("%s: " CV_UTF8_EXPECTED, name, other, other);
        mark = number == 1 ? cv_utf8_mark(text, size) : 0;
        if (number > MAX_LINES)
            return cli_error("%s: has more than %d lines", name, MAX_LINES);
        if ((all += size) > MAX_LIST)
            return cli_error("%s: is larger than the %zu bytes that a list may have; split it", name, MAX_LIST);
        status = read_line(out, text + mark, size - mark, number, name);
    }
    if (status == CLI_OK && ferror(file))
        return cli_error("%s: cannot be read: %s", name, strerror(errno));
    if (status == CLI_OK && out->count == 0)
        return cli_error("%s: contains no prompts", name);
    return status;
}

int cli_prompts_read(cli_prompts *out, const char *path, int scenes)
{
    const int is_input = strcmp(path, "-") == 0;
    const char *name = is_input ? "standard input" : path;
    FILE *file = is_input ? stdin : fopen(path, "re");
    char *text;
    int status;

    if (!file)
        return cli_error("%s: cannot be read: %s", name, strerror(errno));
    text = cli_alloc(MAX_LINE + 2, 1);
    out->scenes = scenes;
    out->lines = cli_alloc(MAX_LINES, sizeof *out->lines);
    status = read_lines(out, file, text, name);
    if (!is_input)
        fclose(file);
    free(text);
    return status;
}

void cli_prompts_free(cli_prompts *prompts)
{
    for (size_t i = 0; i < prompts->count; i++) {
        free(prompts->lines[i].prompt);
        free(prompts->lines[i].output);
    }
    free(prompts->lines);
    *prompts = (cli_prompts){ 0 };
}

char *cli_prompts_name(const char *pattern, int number, int samples)
{
    char *name = cli_numbered(pattern, number), *dot, *more;

    if (!name || samples == 1)
        return name;
    dot = strrchr(name, '.');
    if (!dot || strchr(dot, '/'))
        dot = name + strlen(name);
    more = cli_format("%.*s-%%d%s", (int)(dot - name), name, dot);
    free(name);
    return more;
}

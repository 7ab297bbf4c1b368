#include "prompts.h"

#include "common.h"
#include "json_find.h"
#include "say.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LINES 100000
#define MAX_LINE ((size_t)1 << 20)

static int read_object(cli_prompt_line *line, const char *text, const char *path)
{
    line->prompt = json_find_string(text, "prompt");
    line->output = json_find_string(text, "output");
    line->seed = json_find_integer(text, NULL, "seed", CLI_MAX_SEED);
    if (text[strlen(text) - 1] != '}' || !line->prompt)
        return cli_error("%s: line %d is no JSON object with a \"prompt\"", path, line->number);
    return CLI_OK;
}

static int read_line(cli_prompts *out, char *text, size_t size, int number, const char *path)
{
    cli_prompt_line *line = &out->lines[out->count];

    if (size > MAX_LINE)
        return cli_error("%s: line %d is longer than the %zu bytes that a prompt may have", path, number, MAX_LINE);
    if (memchr(text, 0, size))
        return cli_error("%s: line %d holds a zero byte; a text was expected", path, number);
    while (size > 0 && strchr(" \t\r\n", text[size - 1]))
        text[--size] = 0;
    text += strspn(text, " \t");
    if (!*text)
        return CLI_OK;
    *line = (cli_prompt_line){ .number = number, .seed = -1 };
    out->count++;
    if (*text == '{')
        return read_object(line, text, path);
    line->prompt = cli_format("%s", text);
    return CLI_OK;
}

int cli_prompts_read(cli_prompts *out, const char *path)
{
    const int is_input = strcmp(path, "-") == 0;
    const char *name = is_input ? "standard input" : path;
    FILE *file = is_input ? stdin : fopen(path, "re");
    char *text = cli_alloc(MAX_LINE + 2, 1);
    int status = CLI_OK, number = 0;

    out->lines = cli_alloc(MAX_LINES, sizeof *out->lines);
    if (!file)
        status = cli_error("%s: cannot be read: %s", name, strerror(errno));
    while (status == CLI_OK) {
        size_t size = 0;
        int c;

        while ((c = getc(file)) != EOF && c != '\n' && size <= MAX_LINE)
            text[size++] = (char)c;
        text[size] = 0;
        if (c == EOF && size == 0)
            break;
        if (++number > MAX_LINES)
            status = cli_error("%s: has more than %d lines", name, MAX_LINES);
        else
            status = read_line(out, text, size, number, name);
    }
    if (status == CLI_OK && ferror(file))
        status = cli_error("%s: cannot be read: %s", name, strerror(errno));
    if (status == CLI_OK && out->count == 0)
        status = cli_error("%s: holds no prompts", name);
    if (file && !is_input)
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
    more = cli_format("%.*s-%%d%s", (int)(dot ? dot - name : (ptrdiff_t)strlen(name)), name, dot ? dot : "");
    free(name);
    return more;
}

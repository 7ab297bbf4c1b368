#include "names.h"

#include "output.h"
#include "say.h"

#include "base/path.h"
#include "base/pattern.h"

#include <stdlib.h>
#include <string.h>

#define MAX_NAMES ((size_t)2000000)

/* Returns the canonical spelling of a path's folder, with the file name itself unchanged: a run replaces that even
 * if it is a link. */
static char *one_spelling(const char *path)
{
    char *folder = cli_folder(path), *real = realpath(folder, NULL), *whole;

    whole = cli_format("%s/%s", real ? real : folder, cv_path_name(path));
    free(folder);
    free(real);
    return whole;
}

int cli_names_add(cli_names *names, const char *path, int line)
{
    if (names->count >= MAX_NAMES)
        return cli_error("the list would make more than %zu files; split it", MAX_NAMES);
    if (names->count == names->room) {
        names->room = names->room ? 2 * names->room : 256;
        names->items = realloc(names->items, names->room * sizeof *names->items);
        if (!names->items)
            cli_no_memory();
    }
    names->items[names->count++] = (cli_name){ one_spelling(path), line };
    return CLI_OK;
}

/* A file, or the numbered pictures that its name stands for. */
static int add_file(cli_names *names, const char *path, int pictures, int line)
{
    int status = CLI_OK;

    if (!cv_pattern_is(path))
        return cli_names_add(names, path, line);
    for (int i = 0; i < pictures && status == CLI_OK; i++) {
        char *picture = cli_numbered(path, i);

        if (picture)
            status = cli_names_add(names, picture, line);
        free(picture);
    }
    return status;
}

int cli_names_add_result(cli_names *names, const cogvideo_result *result, int line)
{
    int status = cli_names_add(names, result->journal, line);

    for (int i = 0; i < result->count; i++)
        for (int f = 0; f < result->clips[i].file_count && status == CLI_OK; f++)
            status = add_file(names, result->clips[i].files[f].path, result->clips[i].shape.frames, line);
    return status;
}

static int compare(const void *left, const void *right)
{
    const cli_name *a = left, *b = right;
    int order = strcmp(a->path, b->path);

    return order ? order : (a->line > b->line) - (a->line < b->line);
}

/* Names the owner of a file, in fresh memory. */
static char *owner(int line)
{
    return line == CLI_NAMES_PREVIEW ? cli_format("--preview")
           : line == CLI_NAMES_LIST  ? cli_format("the list itself")
           : line == CLI_NAMES_IMAGE ? cli_format("--image")
           : line > 0                ? cli_format("line %d", line)
           : line == CLI_NAMES_MASK  ? cli_format("--mask")
                                     : cli_format("the output");
}

static int is_read(const cli_name *name)
{
    return name->line == CLI_NAMES_LIST || name->line == CLI_NAMES_IMAGE || name->line == CLI_NAMES_MASK;
}

int cli_names_check(cli_names *names, const char *list)
{
    int status = CLI_OK, told_a = 0, told_b = 0;

    if (names->count > 0)
        qsort(names->items, names->count, sizeof *names->items, compare);
    for (size_t i = 1; i < names->count; i++) {
        const cli_name *a = &names->items[i - 1], *b = &names->items[i];

        if (a->line == b->line || (is_read(a) && is_read(b)) || strcmp(a->path, b->path) != 0 ||
            (a->line == told_a && b->line == told_b))
            continue;
        char *first = owner(a->line), *second = owner(b->line);

        status = cli_error("%s: %s and %s have the same file, %s; give %s another name", list, first, second, b->path,
                           second);
        told_a = a->line;
        told_b = b->line;
        free(first);
        free(second);
    }
    return status;
}

int cli_names_check_beside(cli_session *session, const cogvideo_generate_options *options,
                           const cogvideo_run_options *run, const cli_beside *files)
{
    cogvideo_result result = { 0 };
    cli_names names = { 0 };
    cogvideo_error err;
    int status;

    if (cogvideo_generate_check(session->model, options, run, &result, &err) != COGVIDEO_OK)
        return cli_failed(session, &err);
    status = cli_names_add_result(&names, &result, 0);
    for (; files->line != 0 && status == CLI_OK; files++)
        if (files->path && strcmp(files->path, "-") != 0)
            status = cli_names_add(&names, files->path, files->line);
    if (status == CLI_OK)
        status = cli_names_check(&names, run->output);
    cli_names_free(&names);
    cogvideo_result_free(&result);
    return status;
}

void cli_names_free(cli_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i].path);
    free(names->items);
    *names = (cli_names){ 0 };
}

#include "man.h"

#include "commands.h"
#include "say.h"

#include "base/output.h"

#include <cogvideo/version.h>

#include <stdlib.h>
#include <string.h>

/* --- roff ----------------------------------------------------------------------------------------------------- */

/* Returns the bytes of the UTF-8 character at `s`, which is valid; *point = its code point. */
static size_t character(const char *s, unsigned *point)
{
    const unsigned char *u = (const unsigned char *)s;
    size_t length = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;

    *point = u[0] & (0xff >> (length + 1));
    for (size_t i = 1; i < length; i++)
        *point = *point << 6 | (u[i] & 0x3f);
    return length;
}

/* Prints `length` bytes of text so that roff shows them unchanged: it would turn plain marks into typographic ones. */
static void print(FILE *stream, const char *text, size_t length)
{
    static const char special[] = "\\-'`^~";
    static const char *const escapes[] = { "\\e", "\\-", "\\(aq", "\\(ga", "\\(ha", "\\(ti" };

    if (length > 0 && *text == '.')
        fputs("\\&", stream);
    for (const char *s = text; s < text + length;) {
        const char *found = strchr(special, *s);
        unsigned point;

        if ((unsigned char)*s >= 0x80) {
            s += character(s, &point);
            fprintf(stream, "\\[u%04X]", point);
        } else {
            if (found)
                fputs(escapes[found - special], stream);
            else
                putc(*s, stream);
            s++;
        }
    }
}

static void print_text(FILE *stream, const char *text)
{
    print(stream, text, strlen(text));
}

/* Prints paragraphs separated by blank lines; lines that begin with a space are kept as they are. */
static void print_paragraphs(FILE *stream, const char *text)
{
    int verbatim = 0;

    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        int wanted = *line == ' ';

        if (wanted != verbatim)
            fputs(!wanted ? ".EE\n.PP\n" : line == text ? ".EX\n" : ".PP\n.EX\n", stream);
        verbatim = wanted;
        if (length > 0) {
            print(stream, line, length);
            putc('\n', stream);
        } else {
            fputs(".PP\n", stream);
        }
        line += length + (line[length] == '\n');
    }
    if (verbatim)
        fputs(".EE\n", stream);
}

/* --- names ---------------------------------------------------------------------------------------------------- */

/* Returns "cogvideo-tokens-show" in fresh memory. */
static char *page_name(const cli_command *command)
{
    char *name = command ? cli_format("cogvideo-%s", command->name) : cli_format("cogvideo");

    for (char *s = name; *s; s++)
        if (*s == ' ')
            *s = '-';
    return name;
}

static void print_reference(FILE *stream, const cli_command *command, const char *behind)
{
    char *name = page_name(command);

    fputs(".BR ", stream);
    print_text(stream, name);
    fprintf(stream, " (1)%s\n", behind);
    free(name);
}

/* --- sections ------------------------------------------------------------------------------------------------- */

static void print_title(FILE *stream, const cli_command *command, const char *summary)
{
    char *name = page_name(command), *title = cli_format("%s", name);

    for (char *s = title; *s; s++)
        if (*s >= 'a' && *s <= 'z')
            *s = (char)(*s - 'a' + 'A');
    fputs(".TH ", stream);
    print_text(stream, title);
    fprintf(stream, " 1 \"\" \"cogvideo %s\" \"cogvideo\"\n.SH NAME\n", cogvideo_version());
    print_text(stream, name);
    fputs(" \\- ", stream);
    print_text(stream, summary);
    fputs("\n.SH SYNOPSIS\n.B cogvideo", stream);
    free(title);
    free(name);
}

static void print_option(FILE *stream, const arg_option *option)
{
    fputs(".TP\n", stream);
    if (option->letter)
        fprintf(stream, "\\fB\\-%c\\fR, ", option->letter);
    fputs("\\fB\\-\\-", stream);
    print_text(stream, option->name);
    fputs("\\fR", stream);
    if (option->value) {
        fputs(" \\fI", stream);
        print_text(stream, option->value);
        fputs("\\fR", stream);
    }
    putc('\n', stream);
    print_text(stream, option->help);
    putc('\n', stream);
}

static void print_ending(FILE *stream, const char *examples)
{
    fputs(".SH EXAMPLES\n", stream);
    print_paragraphs(stream, examples);
    fputs(".SH EXIT STATUS\n", stream);
    for (const cli_exit_code *exit = cli_exit_codes; exit->code; exit++) {
        fputs(".TP\n.B ", stream);
        print_text(stream, exit->code);
        putc('\n', stream);
        print_text(stream, exit->meaning);
        putc('\n', stream);
    }
}

static void print_program(FILE *stream)
{
    print_title(stream, NULL, CLI_SUMMARY);
    fputs("\n.I COMMAND\n\\&...\n.SH DESCRIPTION\nEach command has a page of its own.\n.SS Commands\n", stream);
    for (const cli_command *const *c = cli_commands; *c; c++) {
        fputs(".TP\n", stream);
        print_reference(stream, *c, "");
        print_text(stream, (*c)->summary);
        putc('\n', stream);
    }
    fputs(".SH OPTIONS\n", stream);
    for (const arg_option *option = cli_program_table; option->name; option++)
        print_option(stream, option);
    print_ending(stream, CLI_EXAMPLES);
    fputs(".SH SEE ALSO\n", stream);
    print_reference(stream, cli_commands[0], "");
}

static void print_command(FILE *stream, const cli_command *command)
{
    const char *title, *before = NULL;
    const arg_option *option;
    size_t family = cli_family_length(command);

    print_title(stream, command, command->summary);
    putc(' ', stream);
    print_text(stream, command->name);
    putc('\n', stream);
    print_text(stream, command->usage);
    fputs("\n.SH DESCRIPTION\n", stream);
    print_paragraphs(stream, command->details ? command->details : command->summary);
    fputs(".SH OPTIONS\n", stream);
    for (size_t i = 0; (option = args_option(command, i, &title)); i++) {
        if (title != before)
            fprintf(stream, ".SS %s\n", title);
        before = title;
        print_option(stream, option);
    }
    print_ending(stream, command->examples);
    fputs(".SH SEE ALSO\n", stream);
    for (const cli_command *const *c = cli_commands; *c; c++)
        if (family > 0 && *c != command && cli_family_length(*c) == family &&
            strncmp((*c)->name, command->name, family) == 0)
            print_reference(stream, *c, " ,");
    print_reference(stream, NULL, "");
}

void man_print(const cli_command *command, FILE *stream)
{
    if (command)
        print_command(stream, command);
    else
        print_program(stream);
}

/* --- files ---------------------------------------------------------------------------------------------------- */

static int write_page(const cli_command *command, const char *folder)
{
    char *name = page_name(command), *path = cli_format("%s/%s.1", folder, name);
    cv_output page = { 0 };
    cogvideo_error err;
    int status = CLI_OK;

    if (cv_output_open(&page, path, &err) == COGVIDEO_OK)
        man_print(command, page.stream);
    if (!page.stream || cv_output_commit(&page, &err) != COGVIDEO_OK)
        status = cli_error("%s", err.message);
    free(path);
    free(name);
    return status;
}

int man_write_all(const char *folder)
{
    int status = write_page(NULL, folder);

    for (const cli_command *const *c = cli_commands; *c && status == CLI_OK; c++)
        status = write_page(*c, folder);
    return status;
}

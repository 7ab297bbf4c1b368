/* help.c - prints --help, from the same tables that parsing uses. */
#include "args.h"

#include <stdio.h>
#include <string.h>

#define LEFT 30
#define WIDTH 100

/* Prints the words of `text` wrapped at WIDTH; further lines begin at column LEFT. */
static void print_wrapped(const char *text)
{
    size_t column = LEFT;

    while (*text) {
        size_t length = strcspn(text, " ");

        if (column > LEFT && column + 1 + length > WIDTH) {
            printf("\n%*s", LEFT, "");
            column = LEFT;
        } else if (column > LEFT) {
            putchar(' ');
            column++;
        }
        printf("%.*s", (int)length, text);
        column += length;
        text += length + strspn(text + length, " ");
    }
    putchar('\n');
}

static void print_option(const arg_option *option)
{
    char left[80];

    snprintf(left, sizeof left, "  %c%c%c --%s%s%s", option->letter ? '-' : ' ', option->letter ? option->letter : ' ',
             option->letter ? ',' : ' ', option->name, option->value ? " " : "", option->value ? option->value : "");
    if (strlen(left) + 1 > LEFT)
        printf("%s\n%*s", left, LEFT, "");
    else
        printf("%-*s", LEFT, left);
    print_wrapped(option->help);
}

void args_print_help(const cli_command *command)
{
    const char *title, *before = NULL;
    const arg_option *option;

    printf("usage: cogvideo %s %s\n\n%s\n", command->name, command->usage, command->summary);
    if (command->details)
        printf("\n%s\n", command->details);
    for (size_t i = 0; (option = args_option(command, i, &title)); i++) {
        if (title != before)
            printf("\n%s:\n", title);
        before = title;
        print_option(option);
    }
    printf("\nExamples:\n%s\n", command->examples);
}

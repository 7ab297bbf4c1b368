/* One table of options: what 'cogvideo help --json' tells of it stands in --help, in the man pages, in docs/cli.md and
 * in what the real shells offer, and nothing else stands there. */
#include "support/check.h"
#include "support/program.h"

#include "base/file.h"
#include "base/json.h"

#include <unistd.h>

static cv_json *tables;

/* --- words ---------------------------------------------------------------------------------------------------- */

/* Words with a blank behind each. */
typedef struct words {
    char text[8192];
} words;

static void add(words *w, const char *before, const char *word)
{
    size_t used = strlen(w->text), room = sizeof w->text - used;

    assert_true(snprintf(w->text + used, room, "%s%s ", before, word) < (int)room);
}

static bool has(const char *list, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = list; (at = strstr(at, word)); at++)
        if ((at == list || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
            return true;
    return false;
}

/* How many words of `a` are not in `b`; shows them. */
static int missing_from(const char *b, const char *a, const char *what, const char *where)
{
    char word[256];
    int missing = 0, length;

    for (; sscanf(a, " %255s%n", word, &length) == 1; a += length)
        if (!has(b, word)) {
            print_error("%s: %s is not in %s\n", what, word, where);
            missing++;
        }
    return missing;
}

static int differ(const words *expected, const char *found, const char *what)
{
    return missing_from(found, expected->text, what, "it") + missing_from(expected->text, found, what, "the table");
}

static const char *string_of(const cv_json *object, const char *key)
{
    const char *text = "";
    cogvideo_error err;

    CHECK_OK(cv_json_string(object, key, &text, "help --json", &err), err);
    return text;
}

static void add_options(words *w, const cv_json *owner)
{
    for (cv_json *option = cv_json_first(cv_json_get(owner, "options")); option; option = cv_json_next(option))
        add(w, "--", string_of(option, "name"));
}

static void add_texts(words *w, const cv_json *list)
{
    for (cv_json *item = list ? cv_json_first(list) : NULL; item; item = cv_json_next(item))
        add(w, "", cv_json_text(item));
}

#define EACH_COMMAND(command) \
    for (cv_json *command = cv_json_first(cv_json_get(tables, "commands")); command; command = cv_json_next(command))
#define EACH_OPTION(option, command) \
    for (cv_json *option = cv_json_first(cv_json_get(command, "options")); option; option = cv_json_next(option))

static int start(void **state)
{
    cogvideo_error err;

    (void)state;
    setenv("LC_ALL", "C.UTF-8", 1);
    program_ok("help --json");
    CHECK_OK(cv_json_parse(&tables, program_output(), strlen(program_output()), "help --json", &err), err);
    assert_true(cv_json_count(cv_json_get(tables, "commands")) > 20);
    program_ok("help --man -o .");
    return 0;
}

static int end(void **state)
{
    (void)state;
    cv_json_free(&tables);
    return 0;
}

/* --- help and man pages --------------------------------------------------------------------------------------- */

static void help_has_the_options(void **state)
{
    (void)state;
    EACH_COMMAND(command)
    {
        words expected = { 0 }, found = { 0 };

        add_options(&expected, command);
        program_ok("%s --help", string_of(command, "name"));
        for (const char *line = strchr(program_output(), '\n'); line; line = strchr(line + 1, '\n')) {
            char name[100];

            if (strncmp(line, "\n  ", 3) == 0 && (line[3] == '-' || line[3] == ' ') &&
                sscanf(line + 6, " %99s", name) == 1 && strncmp(name, "--", 2) == 0 && line[7] == '-')
                add(&found, "", name);
        }
        assert_int_equal(differ(&expected, found.text, string_of(command, "name")), 0);
        EACH_OPTION(option, command)
        for (cv_json *word = cv_json_get(option, "choices") ? cv_json_first(cv_json_get(option, "choices")) : NULL;
             word; word = cv_json_next(word))
            if (!strstr(string_of(option, "help"), cv_json_text(word)))
                fail_msg("%s: the help of --%s does not tell of %s", string_of(command, "name"),
                         string_of(option, "name"), cv_json_text(word));
    }
}

/* "cogvideo-tokens-show.1" of a command, in a static text. */
static const char *page_of(const char *name)
{
    static char page[200];

    snprintf(page, sizeof page, "cogvideo-%s.1", name);
    for (char *s = page; *s; s++)
        if (*s == ' ')
            *s = '-';
    return page;
}

/* The long options that begin an entry of a man page. */
static void find_in_page(words *found, const char *page)
{
    static const char *const sections[] = { "\n.SH NAME\n",    "\n.SH SYNOPSIS\n", "\n.SH DESCRIPTION\n",
                                            "\n.SH OPTIONS\n", "\n.SH EXAMPLES\n", "\n.SH EXIT STATUS\n",
                                            "\n.SH SEE ALSO\n" };
    cogvideo_error err;
    cv_buffer text = { 0 };

    CHECK_OK(cv_file_read(&text, check_temp_path(page), 1 << 20, &err), err);
    for (char *entry = text.data; (entry = strstr(entry, "\n.TP\n")); entry++) {
        char *line = entry + 5, *name, out[100];
        size_t length = 0;

        name = strstr(line, "\\fB\\-\\-");
        if (!name || name > strchr(line, '\n'))
            continue;
        for (name += 3; *name && strncmp(name, "\\fR", 3) != 0 && length + 1 < sizeof out; name++)
            if (*name != '\\')
                out[length++] = *name;
        out[length] = '\0';
        add(found, "", out);
    }
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        if (!strstr(text.data, sections[i]))
            fail_msg("%s: has no section%s", page, sections[i]);
    cv_buffer_free(&text);
}

static void man_pages_have_the_options(void **state)
{
    words expected = { 0 }, found = { 0 };

    (void)state;
    add_options(&expected, tables);
    find_in_page(&found, "cogvideo.1");
    assert_int_equal(differ(&expected, found.text, "cogvideo.1"), 0);
    EACH_COMMAND(command)
    {
        memset(&expected, 0, sizeof expected);
        memset(&found, 0, sizeof found);
        add_options(&expected, command);
        find_in_page(&found, page_of(string_of(command, "name")));
        assert_int_equal(differ(&expected, found.text, page_of(string_of(command, "name"))), 0);
    }
}

static bool is_installed(const char *program)
{
    char command[100];

    snprintf(command, sizeof command, "command -v %s >/dev/null", program);
    return system(command) == 0;
}

/* A line for each complaint of a program about the pages; none is expected. */
static void check_pages(const char *program, const char *command)
{
    char text[1000];

    if (!is_installed(program)) {
        print_message("skipped: %s is not installed\n", program);
        return;
    }
    snprintf(text, sizeof text, "cd '%s' && { %s; } >complaints; cat complaints >&2; test ! -s complaints",
             check_temp(), command);
    assert_int_equal(system(text), 0);
}

static void man_pages_are_clean(void **state)
{
    (void)state;
    check_pages("groff", "groff -ww -man -Tutf8 *.1 2>&1 >/dev/null");
    check_pages("man", "man --warnings -l *.1 2>&1 >/dev/null");
    check_pages(
        "mandoc",
        "mandoc -T lint -W warning *.1 | grep -v 'missing date'"); /* so that the same source gives the same page */
}

/* --- shells --------------------------------------------------------------------------------------------------- */

/* Asks a shell what it offers behind each line of "queries"; *answers = its lines. */
static bool ask(const char *shell, cv_buffer *answers)
{
    cogvideo_error err;

    if (!is_installed(shell)) {
        print_message("skipped: %s is not installed\n", shell);
        return false;
    }
    program_ok("completion %s > completion", shell);
    program_ok(
        "--version >/dev/null && %s -n completion && %s \"$COGVIDEO_CONFIGS/../tests/e2e/complete.%s\" \"$PWD/completion\" <queries >answers",
        shell, shell, shell);
    CHECK_OK(cv_file_read(answers, check_temp_path("answers"), 1 << 20, &err), err);
    return true;
}

/* One query and what it must offer. */
typedef struct query {
    char line[200];
    words offered;
} query;

#define MOST_QUERIES 400
static query queries[MOST_QUERIES];
static size_t query_count;

static words *add_query(const char *format, ...) __attribute__((format(printf, 1, 2)));
static words *add_query(const char *format, ...)
{
    query *q = &queries[query_count++];
    va_list list;

    assert_true(query_count <= MOST_QUERIES);
    va_start(list, format);
    vsnprintf(q->line, sizeof q->line, format, list);
    va_end(list);
    return &q->offered;
}

/* The words that begin commands, or those behind the first one of a family. */
static void add_commands(words *w, const char *family)
{
    EACH_COMMAND(command)
    {
        char first[100] = "", second[100] = "";

        sscanf(string_of(command, "name"), "%99s %99s", first, second);
        if (!family && !has(w->text, first))
            add(w, "", first);
        if (family && *second && strcmp(first, family) == 0)
            add(w, "", second);
    }
}

static void collect_queries(void)
{
    words *offered;

    query_count = 0;
    memset(queries, 0, sizeof queries);
    add_commands(add_query("cogvideo "), NULL);
    add_options(add_query("cogvideo --"), tables);
    add_commands(offered = add_query("cogvideo help "), NULL);
    add(offered, "", "exit-codes");
    add_commands(add_query("cogvideo help --man tokens "), "tokens");
    add_commands(add_query("cogvideo tokens "), "tokens");
    add_commands(add_query("cogvideo dataset "), "dataset");
    EACH_COMMAND(command)
    {
        const char *name = string_of(command, "name");

        add_options(add_query("cogvideo %s --", name), command);
        if (cv_json_get(command, "choices") && strcmp(name, "help") != 0)
            add_texts(add_query("cogvideo %s ", name), cv_json_get(command, "choices"));
        EACH_OPTION(option, command)
        if (cv_json_get(option, "choices"))
            add_texts(add_query("cogvideo %s --%s ", name, string_of(option, "name")), cv_json_get(option, "choices"));
    }
}

static void shell_offers(const char *shell)
{
    FILE *file = fopen(check_temp_path("queries"), "w");
    cv_buffer answers = { 0 };
    int wrong = 0;
    char *rest;

    collect_queries();
    assert_non_null(file);
    for (size_t i = 0; i < query_count; i++)
        fprintf(file, "%s\n", queries[i].line);
    assert_int_equal(fclose(file), 0);
    if (!ask(shell, &answers))
        return;
    rest = answers.data;
    for (size_t i = 0; i < query_count; i++) {
        char *answer = strsep(&rest, "\n");

        assert_non_null(answer);
        /* bash and zsh offer the program's flags beside its commands. */
        if (i == 0 && strstr(answer, " --help --version"))
            *strstr(answer, " --help --version") = '\0';
        wrong += differ(&queries[i].offered, answer, queries[i].line);
    }
    assert_int_equal(wrong, 0);
    cv_buffer_free(&answers);
}

static void bash_offers_the_options(void **state)
{
    (void)state;
    shell_offers("bash");
}

static void zsh_offers_the_options(void **state)
{
    (void)state;
    shell_offers("zsh");
}

static void fish_offers_the_options(void **state)
{
    (void)state;
    shell_offers("fish");
}

/* --- docs/cli.md ---------------------------------------------------------------------------------------------- */

static void the_docs_have_commands_and_exit_codes(void **state)
{
    cogvideo_error err;
    cv_buffer text = { 0 };
    char path[1024], row[600];
    const char *configs = getenv("COGVIDEO_CONFIGS");

    (void)state;
    snprintf(path, sizeof path, "%s/../docs/cli.md", configs ? configs : "configs");
    CHECK_OK(cv_file_read(&text, path, 1 << 20, &err), err);
    EACH_COMMAND(command)
    {
        snprintf(row, sizeof row, "\n| `%s` |", string_of(command, "name"));
        if (!strstr(text.data, row))
            fail_msg("docs/cli.md: the table of commands has no '%s'", string_of(command, "name"));
    }
    for (cv_json *code = cv_json_first(cv_json_get(tables, "exit_codes")); code; code = cv_json_next(code)) {
        snprintf(row, sizeof row, "\n| %s | %s |\n", string_of(code, "code"), string_of(code, "meaning"));
        if (!strstr(text.data, row))
            fail_msg("docs/cli.md: the table of exit codes has no row '%s'", row + 1);
        program_check("help exit-codes", 0, string_of(code, "meaning"));
    }
    cv_buffer_free(&text);
}

static void wrong_requests_are_refused(void **state)
{
    (void)state;
    program_check("completion tcsh" STDERR, 2, "supported: bash, zsh, fish");
    program_check("help --man --json" STDERR, 2, "cannot be combined");
    program_check("help -o ." STDERR, 2, "help --man -o DIR");
    program_check("help --man -o nowhere" STDERR, 1, "nowhere/cogvideo.1: cannot be written");
    program_check("help --man qwertyuiop" STDERR, 2, "unknown command");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_has_the_options),
        cmocka_unit_test(man_pages_have_the_options),
        cmocka_unit_test(man_pages_are_clean),
        cmocka_unit_test(bash_offers_the_options),
        cmocka_unit_test(zsh_offers_the_options),
        cmocka_unit_test(fish_offers_the_options),
        cmocka_unit_test(the_docs_have_commands_and_exit_codes),
        cmocka_unit_test(wrong_requests_are_refused),
    };

    return cmocka_run_group_tests(tests, start, end);
}

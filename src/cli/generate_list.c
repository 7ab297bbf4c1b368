#include "generate_list.h"

#include "generate_options.h"
#include "interrupt.h"
#include "names.h"
#include "prompts.h"
#include "say.h"

#include <stdlib.h>
#include <string.h>

#define MOST_TOLD 20 /* lines whose errors are told */

/* What a line asks for. Its output's name is in fresh memory; NULL where the pattern has no number. */
static char *settings_of(generate_settings *own, const generate_settings *s, const cli_prompt_line *line)
{
    char *name =
        line->output ? cli_format("%s", line->output) : cli_prompts_name(s->output.output, line->number, s->samples);

    *own = *s;
    own->output.output = name;
    own->output.resume = !s->output.force;
    own->text.prompt = line->prompt;
    own->sampling.seed = line->seed >= 0 ? line->seed : s->sampling.seed;
    return name;
}

/* --- before the first is drawn -------------------------------------------------------------------------------- */

/* CLI_OK where the line can be made; *refused counts those that cannot. */
static int plan_line(const cli_command *command, cli_session *session, const generate_settings *s,
                     const cli_prompt_line *line, const cli_arguments *arguments, cli_names *names, int *refused)
{
    generate_settings own;
    cogvideo_generate_options options;
    cogvideo_run_options run;
    cogvideo_result result = { 0 };
    cogvideo_error err;
    char *name = settings_of(&own, s, line);
    int status = CLI_OK;

    if (!name)
        return cli_usage_error(command,
                               "--prompts needs a number in the output's name: put %%d before the ending of '%s'",
                               s->output.output);
    cli_fill_options(session, &own.text, &own.sampling, &options);
    generate_run_fill(session, &own, arguments, &options, &run);
    if (cogvideo_generate_check(session->model, &options, &run, &result, &err) == COGVIDEO_OK)
        status = cli_names_add_result(names, &result, line->number);
    else if (++*refused <= MOST_TOLD)
        cli_error("%s: line %d: %s", s->prompts, line->number, err.message);
    cogvideo_result_free(&result);
    free(name);
    return status;
}

static int plan(const cli_command *command, cli_session *session, const generate_settings *s,
                const cli_prompts *prompts, const cli_arguments *arguments)
{
    cli_names names = { 0 };
    int status = CLI_OK, refused = 0;

    for (size_t i = 0; i < prompts->count && status == CLI_OK; i++)
        status = plan_line(command, session, s, &prompts->lines[i], arguments, &names, &refused);
    if (status == CLI_OK && s->preview)
        status = cli_names_add(&names, s->preview, CLI_NAMES_PREVIEW);
    if (status == CLI_OK && strcmp(s->prompts, "-") != 0)
        status = cli_names_add(&names, s->prompts, CLI_NAMES_LIST);
    if (status == CLI_OK)
        status = cli_names_check(&names, s->prompts);
    if (refused > 0)
        status = cli_error("%s: %d of %zu prompts cannot be made; nothing was drawn yet, so mend them and begin again",
                           s->prompts, refused, prompts->count);
    cli_names_free(&names);
    return status;
}

/* --- the run -------------------------------------------------------------------------------------------------- */

static void tell_prompt(size_t number, size_t count, const char *prompt)
{
    char *text = cli_excerpt(prompt);

    cli_say("prompt %zu of %zu: %s", number, count, text);
    free(text);
}

static int draw(const cli_command *command, cli_session *session, const generate_settings *s,
                const cli_prompts *prompts, const cli_arguments *arguments)
{
    int status = CLI_OK, failed = 0;

    for (size_t i = 0; i < prompts->count && status == CLI_OK; i++) {
        generate_settings own;
        char *name = settings_of(&own, s, &prompts->lines[i]);

        if (!s->model.quiet)
            tell_prompt(i + 1, prompts->count, own.text.prompt);
        if (generate_run(command, session, &own, arguments) != CLI_OK) {
            failed++;
            status = cli_interrupted() ? 128 + cli_interrupted() : CLI_OK;
        }
        free(name);
    }
    if (status == CLI_OK && failed > 0)
        status = cli_error("%d of %zu prompts failed; their errors are above", failed, prompts->count);
    return status;
}

int generate_list_run(const cli_command *command, cli_session *session, const generate_settings *s,
                      const cli_arguments *arguments)
{
    cli_prompts prompts = { 0 };
    int status = cli_take_input(session, s->prompts, "the prompts");

    if (status == CLI_OK && (status = cli_prompts_read(&prompts, s->prompts, 0)) == CLI_OK &&
        (status = plan(command, session, s, &prompts, arguments)) == CLI_OK)
        status = draw(command, session, s, &prompts, arguments);
    cli_prompts_free(&prompts);
    return status;
}

/* cogvideo completion - prints a script with which a shell completes command lines. */
#include "commands.h"
#include "completion.h"
#include "say.h"

#include <string.h>

static const struct {
    const char *name;
    void (*print)(FILE *stream);
} shells[] = { { "bash", completion_bash }, { "zsh", completion_zsh }, { "fish", completion_fish } };

static int run(const cli_command *command, void *settings, const cli_arguments *arguments)
{
    (void)settings;
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (strcmp(arguments->values[0], shells[i].name) == 0) {
            shells[i].print(stdout);
            return CLI_OK;
        }
    return cli_usage_error(command, "unknown shell '%s'; supported: bash, zsh, fish", arguments->values[0]);
}

static const arg_group groups[] = { { 0 } };

const cli_command cmd_completion = {
    .name = "completion",
    .summary = "print a completion script for a shell",
    .usage = "SHELL",
    .details =
        "SHELL is bash, zsh or fish. 'meson install' puts the completions where the shells look for them; use this\n"
        "command for a program that is not installed.",
    .examples = "  source <(cogvideo completion bash)\n"
                "  cogvideo completion zsh > ~/.zfunc/_cogvideo\n"
                "  cogvideo completion fish > ~/.config/fish/completions/cogvideo.fish",
    .min_arguments = 1,
    .max_arguments = 1,
    .missing = "a shell is missing: bash, zsh or fish",
    .choices = "bash|zsh|fish",
    .groups = groups,
    .settings_size = 1,
    .run = run,
};

/* The scenes of a story and a list of prompts, line by line. */
#include "fuzz/fuzz.h"

#include "cli/prompts.h"
#include "cli/say.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file(data, size);

    for (int scenes = 0; scenes < 2; scenes++) {
        cli_prompts prompts = { 0 };
        int number = 0;

        if (cli_prompts_read(&prompts, path, scenes) == CLI_OK) {
            fuzz_must(prompts.count > 0);
            for (size_t i = 0; i < prompts.count; i++) {
                const cli_prompt_line *line = &prompts.lines[i];

                fuzz_must(line->number > number && line->prompt && line->seed >= -1);
                fuzz_must(line->prompt[strspn(line->prompt, " \t\r\n")] != '\0');
                fuzz_must(line->seconds == 0 || (scenes && line->seconds >= 0.1 && line->seconds <= 1000));
                fuzz_must(!scenes || (!line->output && line->seed == -1));
                number = line->number;
            }
        }
        cli_prompts_free(&prompts);
    }
    return 0;
}

/* prompts.h - reads many prompts from a file, of clips or of the scenes of a story: one per line, plain or as a JSON
 * object with settings of its own. */
#ifndef CLI_PROMPTS_H
#define CLI_PROMPTS_H

#include <stddef.h>
#include <stdint.h>

typedef struct cli_prompt_line {
    char *prompt;
    char *output;   /* NULL = made from the pattern */
    int64_t seed;   /* -1 = the command's */
    double seconds; /* of a scene; 0 = the command's */
    int number;     /* of the line, from 1; empty lines count */
} cli_prompt_line;

typedef struct cli_prompts {
    cli_prompt_line *lines;
    size_t count;
    int scenes; /* they are of one story */
} cli_prompts;

/* Reads all lines that are not empty; "-" is standard input. An object has "prompt", "seed" and "output" or, of
 * `scenes`, "text" and "seconds". Returns CLI_OK, or CLI_FAILED after printing an error. */
int cli_prompts_read(cli_prompts *out, const char *path, int scenes);
void cli_prompts_free(cli_prompts *prompts);

/* Returns the output of a line's clip in fresh memory: the pattern's number becomes the line's. With several samples
 * a second number follows: "clip-%d.mp4" gives "clip-7.mp4" or "clip-7-%d.mp4". NULL if the pattern has no number. */
char *cli_prompts_name(const char *pattern, int number, int samples);

#endif

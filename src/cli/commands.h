/* commands.h - the commands of the program; main.c lists them. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "args.h"

extern const cli_command cmd_import, cmd_info, cmd_tokenize, cmd_encode, cmd_decode, cmd_keyframes, cmd_interpolate,
    cmd_upscale, cmd_generate, cmd_score, cmd_compare, cmd_tokens_show, cmd_tokens_convert, cmd_tokens_compare,
    cmd_dataset_build, cmd_dataset_info, cmd_dataset_shapes, cmd_dataset_tokens, cmd_train, cmd_quantize,
    cmd_bench;

#endif

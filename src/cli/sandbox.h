/* sandbox.h - --sandbox: keeps the process from other files and the network, whatever an untrusted file makes it do. */
#ifndef CLI_SANDBOX_H
#define CLI_SANDBOX_H

#include "args.h"

/* A row of a command's table of options, whose FIELD(sandbox) is an int. */
#define CLI_SANDBOX_OPTION                                                                                       \
    {                                                                                                            \
        "sandbox", 0, NULL,                                                                                      \
            "protect against untrusted files: read only the inputs and the system's folders, write only to the " \
            "folder of the output, no network, no other program; needs Linux 5.13 with Landlock",                \
            ARG_FLAG, FIELD(sandbox), 0, 0, 0, NULL                                                              \
    }

/* From here to its end the process, which has only one thread so far, may read the files and folders of `inputs`
 * (`count`, of which some may be NULL), read /usr, /lib, /etc, /proc, /sys and /dev, and change files in the folder
 * of `output` ("-": none). Returns CLI_OK, or CLI_FAILED after printing an error. */
int cli_sandbox(const char *const *inputs, size_t count, const char *output);
/* The same for a command that may read videos: loads FFmpeg's libraries first, whose folder the sandbox may hide. Where
 * that fails, the reading that needs them says so. */
int cli_sandbox_video(const char *const *inputs, size_t count, const char *output);

#endif

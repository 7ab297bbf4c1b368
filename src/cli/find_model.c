/* find_model.c - the model that comes with the program: where it was installed, or in the source tree of a build. */
#include "common.h"
#include "say.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHIPPED "weights/shapes"

static char *existing(char *folder)
{
    char *description = cli_format("%s/model.json", folder);
    int there = access(description, R_OK) == 0;

    free(description);
    if (there)
        return folder;
    free(folder);
    return NULL;
}

char *cli_find_model(void)
{
    char program[4096], *slash, *found;
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);

    if (length <= 0)
        return existing(cli_format("%s", CV_SHARED_FOLDER "/" SHIPPED));
    program[length] = '\0';
    if ((slash = strrchr(program, '/')))
        *slash = '\0';
    if ((found = existing(cli_format("%s/../share/cogvideo/" SHIPPED, program))) ||
        (found = existing(cli_format("%s/../" SHIPPED, program))))
        return found;
    return existing(cli_format("%s", CV_SHARED_FOLDER "/" SHIPPED));
}

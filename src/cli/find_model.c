/* find_model.c - the models that come with the program: where it was installed, or in the source tree of a build. */
#include "find_model.h"

#include "say.h"
#include "start.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Returns START FOLDER if a model is there, otherwise NULL. */
static char *existing(const char *start, const char *folder)
{
    char *path = cli_format("%s%s", start, folder), *description = cli_format("%s/model.json", path);
    int there = access(description, R_OK) == 0;

    free(description);
    if (there)
        return path;
    free(path);
    return NULL;
}

/* Returns the model beside the program, NULL if there is none. */
static char *beside_program(int way, const char *folder)
{
    char *program = cli_program_path(way), *slash = program ? strrchr(program, '/') : NULL, *found = NULL;

    if (slash) {
        char *start;

        *slash = '\0';
        start = cli_format("%s/../share/cogvideo/", program);
        found = existing(start, folder);
        free(start);
        start = cli_format("%s/../", program);
        found = found ? found : existing(start, folder);
        free(start);
    }
    free(program);
    return found;
}

static char *find_shipped(const char *folder)
{
    char *found = NULL;

    for (int way = 0; way < CLI_PROGRAM_PATHS && !found; way++)
        found = beside_program(way, folder);
    return found ? found : existing(CV_SHARED_FOLDER "/", folder);
}

char *cli_find_model(void)
{
    return find_shipped("weights/shapes");
}

char *cli_find_metrics(void)
{
    return find_shipped("weights/shapes-metrics");
}

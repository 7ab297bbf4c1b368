/* find_model.c - the model that comes with the program: where it was installed, or in the source tree of a build. */
#include "find_model.h"

#include "say.h"
#include "start.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHIPPED "weights/shapes"

/* Returns START END if a model is there, otherwise NULL. */
static char *existing(const char *start, const char *end)
{
    char *folder = cli_format("%s%s", start, end), *description = cli_format("%s/model.json", folder);
    int there = access(description, R_OK) == 0;

    free(description);
    if (there)
        return folder;
    free(folder);
    return NULL;
}

/* Returns the model beside the program, NULL if there is none. */
static char *beside_program(int way)
{
    char *program = cli_program_path(way), *slash = program ? strrchr(program, '/') : NULL, *found = NULL;

    if (slash) {
        *slash = '\0';
        if (!(found = existing(program, "/../share/cogvideo/" SHIPPED)))
            found = existing(program, "/../" SHIPPED);
    }
    free(program);
    return found;
}

char *cli_find_model(void)
{
    char *found = NULL;

    for (int way = 0; way < CLI_PROGRAM_PATHS && !found; way++)
        found = beside_program(way);
    return found ? found : existing(CV_SHARED_FOLDER, "/" SHIPPED);
}

/* find_model.c - the model that comes with the program: where it was installed, or in the source tree of a build. */
#include "common.h"
#include "say.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHIPPED "weights/shapes"

/* The folder of the program itself, or NULL. */
static char *program_folder(char *room, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", room, size - 1);
    char *slash;

    if (length <= 0)
        return NULL;
    room[length] = '\0';
    if ((slash = strrchr(room, '/')))
        *slash = '\0';
    return room;
}

/* START END where that is a model, else NULL. */
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

char *cli_find_model(void)
{
    char room[4096], *program = program_folder(room, sizeof room), *found = NULL;

    if (program && !(found = existing(program, "/../share/cogvideo/" SHIPPED)))
        found = existing(program, "/../" SHIPPED);
    return found ? found : existing(CV_SHARED_FOLDER, "/" SHIPPED);
}

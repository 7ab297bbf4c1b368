/* make_small FOLDER - the small geometry's checkpoints, for a script that imports them. */
#include "support/models.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make_small FOLDER\n");
        return 2;
    }
    models_write_small(argv[1]);
    return 0;
}

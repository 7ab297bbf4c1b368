#include "import/given.h"

#include <string.h>

const char *cv_import_value(const cogvideo_import_options *options, const char *name)
{
    for (int i = 0; i < options->source_count; i++)
        if (options->sources[i].value && strcmp(options->sources[i].name, name) == 0)
            return options->sources[i].value;
    return NULL;
}

/* inspection.c - what cogvideo_inspect gave, freed. */
#include <cogvideo/inspect.h>

#include "base/mem.h"

void cogvideo_inspection_free(cogvideo_inspection *inspection)
{
    if (!inspection)
        return;
    cv_free(inspection->scored);
    cv_free(inspection->logprob);
    cv_free(inspection->entropy);
    cv_free(inspection->likeliest);
    cv_free(inspection->alpha);
    cv_free(inspection->text_ids);
    cv_free(inspection->first_ids);
    *inspection = (cogvideo_inspection){ 0 };
}

#include "model/t5/t5.h"

#include <string.h>

#define END "</s>"

cogvideo_status cv_t5_check_text(const cv_text *text, int vocabulary, cogvideo_error *err)
{
    if (cv_text_first_id(text) != 0 || cv_text_pieces(text) > vocabulary)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "the text tokenizer has %d pieces from id %d on, but the text encoder reads ids 0 to %d: "
                       "another one belongs to it",
                       cv_text_pieces(text), (int)cv_text_first_id(text), vocabulary - 1);
    if (cv_text_id(text, END) < 0)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "the text tokenizer has no piece " END ", which stands behind every text of T5");
    return COGVIDEO_OK;
}

cogvideo_status cv_t5_ids(const cv_text *text, const char *prompt, int32_t ids[CV_T5_LONGEST], int *count,
                          size_t *whole, cogvideo_error *err)
{
    cogvideo_status status;
    int32_t *pieces = NULL;
    size_t found;

    CV_TRY(cv_text_encode(text, prompt, strlen(prompt), false, &pieces, &found, err));
    *whole = found + 1;
    if (found > CV_T5_LONGEST - 1)
        found = CV_T5_LONGEST - 1;
    memcpy(ids, pieces, found * sizeof *ids);
    ids[found] = cv_text_id(text, END);
    *count = (int)found + 1;
done:
    cv_free(pieces);
    return status;
}

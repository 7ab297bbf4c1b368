#include "family/cogvideo/train/tokenizers.h"

#include "base/file.h"
#include "base/hash.h"

#include <inttypes.h>
#include <stdio.h>

const cv_tensor *cv_find_codebook(const cv_cogvideo *model)
{
    const cv_tensor *codebook = NULL;

    for (int i = 0; i < model->head.file_count && !codebook; i++)
        if (model->head.files[i].store)
            codebook = cv_store_find(model->head.files[i].store, "quantize.embed.weight");
    return codebook;
}

cogvideo_status cv_tokenizers_hash(char out[CV_TOKENIZERS_HASH], const cv_cogvideo *model, cogvideo_error *err)
{
    const cv_tensor *codebook = cv_find_codebook(model);
    cogvideo_status status = COGVIDEO_OK;
    cv_mapping text = { 0 };
    uint64_t hash;

    out[0] = '\0';
    if (!codebook || !model->head.text_path)
        return COGVIDEO_OK;
    CV_TRY(cv_map_open(&text, model->head.text_path, err));
    hash = cv_hash_bytes(CV_HASH_START, codebook->data, codebook->count * cv_dtype_size(codebook->dtype));
    hash = cv_hash_bytes(hash, text.data, text.size);
    snprintf(out, CV_TOKENIZERS_HASH, "%016" PRIx64, hash);
done:
    cv_map_close(&text);
    return status;
}

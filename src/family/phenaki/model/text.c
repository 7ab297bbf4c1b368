#include "family/phenaki/model/model.h"

static cogvideo_status read_ids(const cv_phenaki *model, const char *text, bool cut, int32_t ids[CV_T5_LONGEST],
                                int *count, cogvideo_error *err)
{
    cogvideo_status status;
    size_t whole;

    CV_TRY(cv_model_need_text(&model->head, err));
    if (!model->text_encoder)
        return cv_fail(err, COGVIDEO_ERROR_MODEL,
                       "the model '%s' has no text encoder, which 'cogvideo import --text-encoder' brings",
                       model->head.name);
    CV_TRY(cv_t5_ids(model->head.text, text, ids, count, &whole, err));
    if (whole == 1) /* the end of every text alone */
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "the prompt is empty: say what is to be shown");
    if (whole > CV_T5_LONGEST && !cut)
        return cv_fail(err, COGVIDEO_ERROR_ARGUMENT,
                       "the text has %zu tokens, but the model reads %d: shorten it, or let it be cut ('--cut-text', "
                       "the option cut_text)",
                       whole, CV_T5_LONGEST);
    if (whole > CV_T5_LONGEST)
        cv_log(&model->head.log, COGVIDEO_LOG_WARNING, "the text has %zu tokens and was cut to the model's %d", whole,
               CV_T5_LONGEST);
done:
    return status;
}

/* Rows of zeros are not seen, as in training. */
static void mask_rows(cv_phenaki_text *text, int width)
{
    for (int r = 0; r < text->rows; r++)
        for (int i = 0; i < width && !text->mask[r]; i++)
            text->mask[r] = text->vectors[(size_t)r * (size_t)width + (size_t)i] != 0;
}

cogvideo_status cv_phenaki_read_text(const cv_phenaki *model, const char *text, bool cut, cv_phenaki_text *out,
                                     cogvideo_error *err)
{
    int32_t ids[CV_T5_LONGEST];
    cv_phenaki_text read = { 0 };
    cv_arena arena = { 0 };
    cogvideo_status status;
    cv_t5_batch batch;
    int width;

    if (model->masked && cv_masked_config_of(model->masked)->text_width == 0) { /* a row that nothing reads */
        read.rows = 1;
        CV_NEW(read.vectors, 1, err);
        CV_NEW(read.mask, 1, err);
        *out = read;
        return COGVIDEO_OK;
    }
    CV_TRY(read_ids(model, text, cut, ids, &read.rows, err));
    width = cv_t5_config_of(model->text_encoder)->width;
    batch = (cv_t5_batch){ .texts = 1, .longest = read.rows, .ids = ids, .counts = &read.rows };
    CV_NEW(read.vectors, (size_t)read.rows * (size_t)width, err);
    CV_NEW(read.mask, read.rows, err);
    CV_TRY(cv_arena_create(&arena, cv_t5_scratch(&model->head.exec, model->text_encoder, &batch), err));
    cv_t5_run(&model->head.exec, model->text_encoder, &batch, read.vectors, NULL, NULL, &arena);
    mask_rows(&read, width);
    *out = read;
    read = (cv_phenaki_text){ 0 };
done:
    cv_arena_free(&arena);
    cv_phenaki_text_free(&read);
    return status;
}

void cv_phenaki_text_free(cv_phenaki_text *text)
{
    cv_free(text->vectors);
    cv_free(text->mask);
    *text = (cv_phenaki_text){ 0 };
}

#include "family/cogvideo/bench/picture.h"

#include "bench/limits.h"
#include "family/cogvideo/bench/draw.h"

#include <stdio.h>
#include <string.h>

static const int batches[] = { 1, 4 };
enum { BATCHES = sizeof batches / sizeof *batches };

/* --- what a code reads ---------------------------------------------------------------------------------------- */

static double of_matrix(const cv_weight *w)
{
    return (double)w->N *
           (double)(cv_weight_row_bytes(w->type, (size_t)w->K) + cv_weight_scale_bytes(w->type, (size_t)w->K));
}

/* Bytes of all matrices: read once for a code of every strand. */
static double weights_of(const cv_stage *stage)
{
    const cv_trunk *trunk = stage->trunk;
    double bytes = of_matrix(&stage->head.weight);

    for (int n = 0; n < trunk->layer_count; n++) {
        const cv_trunk_layer *layer = &trunk->layers[n];

        bytes += of_matrix(&layer->qkv.weight) + of_matrix(&layer->dense.weight) + of_matrix(&layer->mlp_in.weight) +
                 of_matrix(&layer->mlp_out.weight);
    }
    return bytes;
}

/* The trunk's own file is what is read to find out how fast that goes: no memory beside it is needed. */
static cv_limits reading(const cv_cogvideo *model)
{
    const char *first = NULL, *end = NULL;
    cv_limits limits = { .exec = &model->head.exec };

    for (int f = 0; f < model->head.file_count; f++) {
        const cv_model_file *file = &model->head.files[f];

        if (!file->store || strcmp(file->name, model->description.files.bare_trunk) != 0)
            continue;
        for (size_t i = 0; i < cv_store_count(file->store); i++) {
            const cv_tensor *tensor = cv_store_at(file->store, i);
            const char *data = tensor->data, *behind = data + tensor->count * cv_dtype_size(tensor->dtype);

            first = !first || data < first ? data : first;
            end = !end || behind > end ? behind : end;
        }
    }
    limits.buffer = first + (64 - (uintptr_t)first % 64) % 64;
    limits.bytes = (size_t)(end - (const char *)limits.buffer) / 64 * 64;
    return limits;
}

/* --- in turn -------------------------------------------------------------------------------------------------- */

typedef struct picture {
    cv_bench_drawing drawing;
    double first; /* seconds until the first code, of the run that needed least */
    cogvideo_status *status;
    cogvideo_error *err;
} picture;

static double run_picture(void *user)
{
    picture *p = user;
    cogvideo_status status = *p->status;

    if (status == COGVIDEO_OK) /* a failed run is not made again: its error would be lost */
        *p->status = status = cv_bench_draw(&p->drawing, p->err);
    if (status != COGVIDEO_OK)
        return 0;
    p->first = p->first == 0 || p->drawing.first < p->first ? p->drawing.first : p->first;
    return p->drawing.places * weights_of(&p->drawing.model->stages[0]);
}

/* Reads the weights from the disk, which is not counted, and takes the memory that both batches need. */
static cogvideo_status warm_up(const picture *pictures, cogvideo_bench_report *out, cogvideo_error *err)
{
    cogvideo_status status = COGVIDEO_OK;

    for (int i = 0; i < BATCHES; i++) {
        cv_bench_drawing drawing = pictures[i].drawing;

        drawing.seconds = 0;
        CV_TRY(cv_bench_draw(&drawing, err));
        cv_bench_memory(out);
    }
done:
    return status;
}

static void add_rows(const picture *pictures, const cv_bench_item *items, cogvideo_bench_report *out, double *whole)
{
    const double bytes = weights_of(&pictures[0].drawing.model->stages[0]);

    cv_bench_row(out, "text and the first code", pictures[0].first, "s");
    for (int i = 0; i <= BATCHES && out->count < COGVIDEO_BENCH_ROWS; i++) {
        const double rate = i ? items[i].row.rate * 1e9 / bytes * batches[i - 1] : 0; /* of all rounds */
        char name[48];

        out->rows[out->count++] = items[i].row;
        if (i == 0)
            continue;
        snprintf(name, sizeof name, "a picture, batch %d", batches[i - 1]);
        cv_bench_row(out, name, rate, "codes/s");
        if (i == 1)
            *whole = pictures[0].first + cv_cogvideo_places(&pictures[0].drawing.model->description.network) / rate;
    }
    cv_bench_row(out, "codes of a picture", *whole, "s");
}

cogvideo_status cv_bench_picture(const cv_cogvideo *model, double seconds, const cogvideo_bench_options *options,
                                 cogvideo_bench_report *out, double *whole, cogvideo_error *err)
{
    cv_limits limits = reading(model);
    cv_bench_item items[1 + BATCHES] = {
        { { .name = "read bandwidth", .unit = "GB/s" }, cv_limit_read, &limits, NULL }
    };
    picture pictures[BATCHES];
    cogvideo_status failed = COGVIDEO_OK, status;

    for (int i = 0; i < BATCHES; i++) {
        cv_bench_item *item = &items[1 + i];

        pictures[i] = (picture){ .drawing = { .model = model,
                                              .options = options,
                                              .kind = CV_STAGE_SEQUENTIAL,
                                              .pass = true,
                                              .strands = batches[i],
                                              .seconds = seconds },
                                 .status = &failed,
                                 .err = err };
        *item = (cv_bench_item){ { .unit = "GB/s", .limit = "read bandwidth" },
                                 run_picture,
                                 &pictures[i],
                                 &pictures[i].drawing.took };
        snprintf(item->row.name, sizeof item->row.name, "reading weights, batch %d", batches[i]);
    }
    CV_TRY(warm_up(pictures, out, err));
    CV_TRY(cv_bench_rounds(items, 1 + BATCHES, out->rounds, options, err));
    if ((status = failed) == COGVIDEO_OK)
        add_rows(pictures, items, out, whole);
done:
    return status;
}

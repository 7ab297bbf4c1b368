#include "bench/convolutions.h"

#include "base/mem.h"

/* The first layers of I3D, which take half of its time. */
static const struct layer {
    const char *name;
    int in, out, size[3], kernel, stride;
} shapes[CV_CONVOLUTIONS] = {
    { "convolution 7x7x7", 3, 64, { 16, 224, 224 }, 7, 2 },
    { "convolution 3x3x3", 64, 192, { 8, 56, 56 }, 3, 1 },
};

static size_t weights_of(const cv_conv3d *conv)
{
    return (size_t)conv->out * (size_t)conv->in * (size_t)cv_volume_count(conv->window.kernel);
}

static size_t places_of(const cv_convolution *layer)
{
    const cv_places places = cv_window_places(&layer->conv.window, layer->size);

    return (size_t)cv_volume_count(places.out);
}

static void fill(float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(i % 17) / 17 - 0.5f;
}

cogvideo_status cv_convolutions_open(cv_convolution layers[CV_CONVOLUTIONS], const cv_exec *exec, cv_arena *arena,
                                     cogvideo_error *err)
{
    size_t in = 0, out = 0, weights = 0;
    cv_arena measured = { 0 };
    float *values;
    cogvideo_status status;

    for (int i = 0; i < CV_CONVOLUTIONS; i++) {
        const struct layer *s = &shapes[i];
        cv_convolution *layer = &layers[i];
        size_t count;

        *layer = (cv_convolution){ .name = s->name,
                                   .exec = exec,
                                   .conv = { .dtype = CV_F32, .in = s->in, .out = s->out },
                                   .size = { s->size[0], s->size[1], s->size[2] },
                                   .arena = arena };
        layer->conv.window.padding = CV_PAD_SAME;
        for (int axis = 0; axis < 3; axis++) {
            layer->conv.window.kernel[axis] = s->kernel;
            layer->conv.window.stride[axis] = s->stride;
        }
        count = (size_t)s->in * (size_t)cv_volume_count(s->size);
        in = count > in ? count : in;
        count = (size_t)s->out * places_of(layer);
        out = count > out ? count : out;
        weights = weights_of(&layer->conv) > weights ? weights_of(&layer->conv) : weights;
        cv_conv3d_apply(exec, &layer->conv, NULL, NULL, layer->size, true, &measured);
    }
    CV_NEW(values, weights + in + out, err);
    fill(values, weights + in);
    for (int i = 0; i < CV_CONVOLUTIONS; i++) {
        layers[i].conv.weight = values;
        layers[i].x = values + weights;
        layers[i].out = values + weights + in;
    }
    CV_TRY(cv_arena_create(arena, measured.peak, err));
done:
    return status;
}

void cv_convolutions_close(cv_convolution layers[CV_CONVOLUTIONS], cv_arena *arena)
{
    cv_free((void *)layers[0].conv.weight);
    cv_arena_free(arena);
}

double cv_convolution_run(void *convolution)
{
    const cv_convolution *c = convolution;

    cv_conv3d_apply(c->exec, &c->conv, c->out, c->x, c->size, true, c->arena);
    return 2.0 * (double)weights_of(&c->conv) * (double)places_of(c);
}

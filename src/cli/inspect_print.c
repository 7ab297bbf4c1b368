#include "inspect_print.h"

#include <math.h>

#define LOG_DIGITS 7 /* as in cogvideo score */

static const int32_t *codes_of(const cogvideo_tokens *clip, int frame)
{
    return clip->codes + (size_t)frame * cogvideo_tokens_per_frame(clip);
}

/* --- tables --------------------------------------------------------------------------------------------------- */

static void print_stage(int stage)
{
    if (stage > 0)
        printf("  %5d", stage);
    else
        printf("  %5s", "-");
}

void cli_print_frames(const cogvideo_tokens *clip, const cli_inspected *inspected)
{
    const int places = (int)cogvideo_tokens_per_frame(clip);

    printf(
        "frame    time  stage  probability  log-probability  entropy  likeliest  changed   (means over %d places, logarithms in nats)\n",
        places);
    for (int i = 0; i < clip->frames; i++) {
        size_t at = 0;
        const cogvideo_inspection *seen = cli_inspected_frame(inspected, i, &at);

        printf("%5d %7.4g", i, clip->times[i]);
        if (seen) {
            cli_frame_means means = cli_inspected_means(clip, i, seen, at);

            print_stage(inspected->steps[inspected->step_of[i]].stage);
            printf("  %11.4f  %15.4f", means.probability, means.logprob);
            if (seen->entropy)
                printf("  %7.3f  %7.1f %%", means.entropy, 100.0 * means.likeliest / places);
            else
                printf("  %7s  %9s", "-", "-");
        } else {
            printf("  %5s  %11s  %15s  %7s  %9s", "-", "-", "-", "-", "-");
        }
        if (i > 0)
            printf("  %5.1f %%\n", 100.0 * cli_changed_codes(clip, i) / places);
        else
            printf("  %7s\n", "-");
    }
}

void cli_print_places(const cogvideo_model *model, const cogvideo_tokens *clip, const cli_inspected *inspected,
                      int frame)
{
    const int32_t *codes = codes_of(clip, frame), *before = frame > 0 ? codes_of(clip, frame - 1) : codes;
    int clusters = cogvideo_code_cluster(model, codes[0]) >= 0;
    size_t at = 0;
    const cogvideo_inspection *seen = cli_inspected_frame(inspected, frame, &at);

    printf("row  column   code%s  probability  entropy  likeliest  changed\n", clusters ? "  cluster" : "");
    for (int i = 0; i < clip->height * clip->width; i++) {
        printf("%3d  %6d  %5d", i / clip->width, i % clip->width, codes[i]);
        if (clusters)
            printf("  %7d", cogvideo_code_cluster(model, codes[i]));
        if (seen && seen->entropy)
            printf("  %11.6f  %7.3f  %9d", exp(seen->logprob[at + (size_t)i]), seen->entropy[at + (size_t)i],
                   seen->likeliest[at + (size_t)i]);
        else if (seen)
            printf("  %11.6f  %7s  %9s", exp(seen->logprob[at + (size_t)i]), "-", "-");
        else
            printf("  %11s  %7s  %9s", "-", "-", "-");
        printf("  %7s\n", codes[i] != before[i] ? "yes" : "no");
    }
}

/* --- JSON ----------------------------------------------------------------------------------------------------- */

static void put_numbers(json_out *json, const char *key, const double *values, int count)
{
    json_begin_array(json, key);
    for (int i = 0; i < count; i++)
        json_number(json, NULL, values[i], LOG_DIGITS);
    json_end_array(json);
}

void cli_json_drawn(json_out *json, const cogvideo_tokens *clip, int frame)
{
    const size_t places = cogvideo_tokens_per_frame(clip), at = (size_t)frame * places;

    if (clip->scenes)
        json_integer(json, "scene", clip->scenes[frame]);
    if (clip->given && clip->given[frame])
        json_bool(json, "given", 1);
    if (clip->settled)
        json_ints(json, "settled", clip->settled + at, places);
    if (!clip->confidence)
        return;
    json_begin_array(json, "confidence");
    for (size_t i = 0; i < places; i++)
        json_number(json, NULL, (double)clip->confidence[at + i], 3);
    json_end_array(json);
}

void cli_json_frame(json_out *json, const cogvideo_tokens *clip, const cli_inspected *inspected, int frame)
{
    const int places = (int)cogvideo_tokens_per_frame(clip);
    size_t at = 0;
    const cogvideo_inspection *seen = cli_inspected_frame(inspected, frame, &at);

    json_integer(json, "frame", frame);
    json_number(json, "time", clip->times[frame], 15);
    json_ints(json, "codes", codes_of(clip, frame), (size_t)places);
    if (frame > 0)
        json_integer(json, "changed", cli_changed_codes(clip, frame));
    cli_json_drawn(json, clip, frame);
    if (!seen)
        return;
    json_integer(json, "step", inspected->step_of[frame]);
    if (inspected->steps[inspected->step_of[frame]].stage > 0)
        json_integer(json, "stage", inspected->steps[inspected->step_of[frame]].stage);
    put_numbers(json, "logprob", seen->logprob + at, places);
    if (!seen->entropy)
        return;
    put_numbers(json, "entropy", seen->entropy + at, places);
    json_ints(json, "likeliest", seen->likeliest + at, (size_t)places);
}

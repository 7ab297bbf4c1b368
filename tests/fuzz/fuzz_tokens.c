/* A token stream: what can be read can be written, and is then the same clip. */
#include "fuzz/fuzz.h"

#include "tokens/header.h"

#include <string.h>

/* The stream that a writer makes of a clip, by the writer's own header. */
static void write_again(cv_buffer *out, const cogvideo_tokens *clip)
{
    size_t places = cogvideo_tokens_per_frame(clip);
    cogvideo_error err = { 0 };

    fuzz_must(cv_header_line(out, clip, &err) == COGVIDEO_OK);
    for (int f = 0; f < clip->frames; f++) {
        fuzz_must(cv_buffer_printf(out, &err, "{\"time\":%.17g,\"codes\":[", clip->times[f]) == COGVIDEO_OK);
        for (size_t i = 0; i < places; i++)
            fuzz_must(cv_buffer_printf(out, &err, i ? ",%d" : "%d", clip->codes[(size_t)f * places + i]) ==
                      COGVIDEO_OK);
        fuzz_must(cv_buffer_append(out, "]}\n", 3, &err) == COGVIDEO_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cogvideo_error err = { 0 };
    cogvideo_tokens clip = { 0 }, again = { 0 };
    cogvideo_tokens_difference difference;
    cv_buffer text = { 0 };

    if (!fuzz_ok(cogvideo_tokens_load(&clip, fuzz_file(data, size), &err), &err))
        return 0;
    write_again(&text, &clip);
    fuzz_must(cogvideo_tokens_load(&again, fuzz_file((const uint8_t *)text.data, text.size), &err) == COGVIDEO_OK);
    fuzz_must(cogvideo_tokens_compare(&clip, &again, &difference, &err) == COGVIDEO_OK);
    fuzz_must(difference.different == 0 && difference.same_shape && clip.rate == again.rate);
    fuzz_must(clip.height == again.height && clip.width == again.width &&
              clip.frames_per_code == again.frames_per_code);
    fuzz_must(memcmp(clip.times, again.times, (size_t)clip.frames * sizeof *clip.times) == 0);
    cv_buffer_free(&text);
    cogvideo_tokens_free(&clip);
    cogvideo_tokens_free(&again);
    return 0;
}

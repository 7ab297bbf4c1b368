/* header.h - the header line of a token stream: the members that are kept as text, and the line that is written. */
#ifndef CV_TOKENS_HEADER_H
#define CV_TOKENS_HEADER_H

#include "base/json.h"

#include <cogvideo/tokens.h>

#define CV_TOKENS_FORMAT "cogvideo-tokens"
#define CV_TOKENS_VERSION 1
#define CV_TOKENS_MAX_GRID 4096 /* codes on one side of a frame */
#define CV_TOKENS_MAX_FRAMES_PER_CODE 64
#define CV_TOKENS_MAX_RATE 64                /* pixels of a code on one side */
#define CV_TOKENS_MAX_FILE ((size_t)1 << 30) /* bytes of a token stream that is read */

/* Checks height, width, rate and frames_per_code; reads nothing else. */
cogvideo_status cv_tokens_check(const cogvideo_tokens *shape, cogvideo_error *err);
/* An error where a code is not below `limit`; `what` knows only those: "the image tokenizer". */
cogvideo_status cv_tokens_check_codes(const cogvideo_tokens *clip, int limit, const char *what, cogvideo_error *err);
/* Room for `capacity` frames, more than there are, in codes and times, with `scenes` in scenes and given, and with
 * `drawn` in settled and confidence. After an error all arrays hold what they held, some with more room. */
cogvideo_status cv_tokens_grow(cogvideo_tokens *clip, size_t capacity, bool scenes, bool drawn, cogvideo_error *err);
/* Whether "grid" describes the shape of a clip: its frames are square, and each stands for one video frame. */
bool cv_tokens_is_grid(const cogvideo_tokens *shape);

/* Appends to `out` the members of the object in `text`, each after a comma, without format, version, shape and rate.
 * They stay unchanged, except that control characters become escapes: unknown members are kept, with numbers of any
 * length. `json` is the parsed text. */
cogvideo_status cv_header_members(cv_buffer *out, const char *text, const cv_json *json, cogvideo_error *err);

/* Appends the whole header line for `tokens`, with its line break; `tokens->header` must be NULL or a JSON object. */
cogvideo_status cv_header_line(cv_buffer *out, const cogvideo_tokens *tokens, cogvideo_error *err);

#endif

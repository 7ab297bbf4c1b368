/* JSON by itself, at the very end of memory that can be read: libcjson is not built with sanitizers, a fault is all
 * that shows a read past the end. */
#include "fuzz/fuzz.h"

#include "base/json.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { ROOM = 1 << 16 };
    static char *room;
    cogvideo_error err = { 0 };
    cv_json *json = NULL;
    char *text;

    if (size > ROOM)
        return 0;
    if (!room) {
        room = mmap(NULL, 2 * ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        fuzz_must(room != MAP_FAILED && mprotect(room + ROOM, ROOM, PROT_NONE) == 0);
    }
    if (size > 0)
        memcpy(room + ROOM - size, data, size);
    if (!fuzz_ok(cv_json_parse(&json, room + ROOM - size, size, "input", &err), &err))
        return 0;
    if ((text = cv_json_print(json, size & 1, &err))) {
        cv_json *again = NULL;

        fuzz_must(cv_json_parse(&again, text, strlen(text), "printed", &err) == COGVIDEO_OK);
        cv_json_free(&again);
    }
    cv_free(text);
    cv_json_free(&json);
    return 0;
}

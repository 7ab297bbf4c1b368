#include "import/pickle_machine.h"

#include <stdio.h>
#include <string.h>

static cogvideo_status push_text(cv_machine *m, int width, cv_pickle_kind kind)
{
    cogvideo_status status;
    cv_pickle_value *value;
    const char *text;
    uint64_t size;

    CV_TRY(cv_machine_take_number(m, width, &size));
    CV_TRY(cv_machine_take(m, size, &text));
    if (kind == CV_PICKLE_INERT)
        return cv_machine_push(m, &m->pickle->inert);
    CV_TRY(cv_machine_push_new(m, kind, &value));
    value->text = text;
    value->size = (size_t)size;
done:
    return status;
}

/* Pushes an integer of `width` bytes; a BININT's four bytes are signed, fewer bytes are not. */
static cogvideo_status push_int(cv_machine *m, int width)
{
    cogvideo_status status;
    cv_pickle_value *value;
    uint64_t bits;

    CV_TRY(cv_machine_take_number(m, width, &bits));
    CV_TRY(cv_machine_push_new(m, CV_PICKLE_INT, &value));
    value->integer = width == 4 ? (int32_t)(uint32_t)bits : (int64_t)bits;
done:
    return status;
}

/* Pushes an integer in two's complement of any length, which stands before it. */
static cogvideo_status push_long(cv_machine *m, int width)
{
    cogvideo_status status;
    cv_pickle_value *value;
    const char *bytes;
    uint64_t size, bits = 0;

    CV_TRY(cv_machine_take_number(m, width, &size));
    CV_TRY(cv_machine_take(m, size, &bytes));
    if (size > 8)
        return cv_machine_push(m, &m->pickle->inert);
    if (size > 0 && bytes[size - 1] & 0x80)
        bits = UINT64_MAX;
    for (uint64_t i = size; i-- > 0;)
        bits = bits << 8 | (unsigned char)bytes[i];
    CV_TRY(cv_machine_push_new(m, CV_PICKLE_INT, &value));
    value->integer = (int64_t)bits;
done:
    return status;
}

static cogvideo_status push_float(cv_machine *m)
{
    cogvideo_status status;
    cv_pickle_value *value;
    const char *bytes;
    uint64_t bits = 0;

    CV_TRY(cv_machine_take(m, 8, &bytes));
    for (int i = 0; i < 8; i++)
        bits = bits << 8 | (unsigned char)bytes[i];
    CV_TRY(cv_machine_push_new(m, CV_PICKLE_FLOAT, &value));
    memcpy(&value->real, &bits, sizeof bits);
done:
    return status;
}

static cogvideo_status push_bool(cv_machine *m, int truth)
{
    cv_pickle_value *value;
    cogvideo_status status = cv_machine_push_new(m, CV_PICKLE_BOOL, &value);

    if (status == COGVIDEO_OK)
        value->integer = truth;
    return status;
}

static bool known_name(const char *module, size_t module_size, const char *text, size_t size, cv_pickle_name *name)
{
    static const struct {
        const char *module, *text;
        cv_pickle_name name;
    } known[] = {
        { "collections", "OrderedDict", CV_NAME_ORDERED_DICT },
        { "torch._utils", "_rebuild_tensor_v2", CV_NAME_REBUILD_TENSOR },
        { "torch._utils", "_rebuild_parameter", CV_NAME_REBUILD_PARAMETER },
        { "torch", "FloatStorage", CV_NAME_STORAGE },
        { "torch", "HalfStorage", CV_NAME_STORAGE },
        { "torch", "BFloat16Storage", CV_NAME_STORAGE },
        { "torch", "DoubleStorage", CV_NAME_STORAGE },
        { "torch", "LongStorage", CV_NAME_STORAGE },
        { "torch", "IntStorage", CV_NAME_STORAGE },
        { "torch", "ShortStorage", CV_NAME_STORAGE },
        { "torch", "CharStorage", CV_NAME_STORAGE },
        { "torch", "ByteStorage", CV_NAME_STORAGE },
        { "torch", "BoolStorage", CV_NAME_STORAGE },
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i].module) == module_size && memcmp(known[i].module, module, module_size) == 0 &&
            strlen(known[i].text) == size && memcmp(known[i].text, text, size) == 0) {
            *name = known[i].name;
            return true;
        }
    return false;
}

static cogvideo_status push_name(cv_machine *m, const char *module, size_t module_size, const char *text, size_t size)
{
    cogvideo_status status;
    cv_pickle_value *value;
    cv_pickle_name name = CV_NAME_ORDERED_DICT;
    bool known = known_name(module, module_size, text, size, &name);

    CV_TRY(cv_machine_push_new(m, known ? CV_PICKLE_NAME : CV_PICKLE_INERT, &value));
    value->name = name;
    value->text = text;
    value->size = size;
done:
    return status;
}

static cogvideo_status take_line(cv_machine *m, const char **text, size_t *size)
{
    const char *start = (const char *)m->bytes + m->at, *end = memchr(start, '\n', m->size - m->at);

    if (!end)
        return cv_machine_fail(m, "ends too early: it is truncated, or a length in it is wrong");
    *text = start;
    *size = (size_t)(end - start);
    m->at += *size + 1;
    return COGVIDEO_OK;
}

static cogvideo_status run_global(cv_machine *m)
{
    const char *module = NULL, *text = NULL;
    size_t module_size = 0, size = 0;
    cogvideo_status status = take_line(m, &module, &module_size);

    if (status == COGVIDEO_OK)
        status = take_line(m, &text, &size);
    return status == COGVIDEO_OK ? push_name(m, module, module_size, text, size) : status;
}

static cogvideo_status run_stack_global(cv_machine *m)
{
    cogvideo_status status;
    cv_pickle_value *module, *text;

    CV_TRY(cv_machine_pop(m, &text));
    CV_TRY(cv_machine_pop(m, &module));
    if (module->kind != CV_PICKLE_TEXT || text->kind != CV_PICKLE_TEXT)
        return cv_machine_fail(m, "refers to a name that is not text");
    CV_TRY(push_name(m, module->text, module->size, text->text, text->size));
done:
    return status;
}

/* A call of a known name is recorded, not executed; a call of anything else is inert. */
static cogvideo_status run_reduce(cv_machine *m)
{
    cogvideo_status status;
    cv_pickle_value *callable, *arguments, *value;

    CV_TRY(cv_machine_pop(m, &arguments));
    CV_TRY(cv_machine_pop(m, &callable));
    if (callable->kind == CV_PICKLE_INERT)
        return cv_machine_push(m, callable);
    if (callable->kind != CV_PICKLE_NAME || callable->name == CV_NAME_STORAGE || arguments->kind != CV_PICKLE_TUPLE)
        return cv_machine_push(m, &m->pickle->inert);
    if (callable->name == CV_NAME_ORDERED_DICT) {
        if (arguments->count > 0)
            return cv_machine_push(m, &m->pickle->inert);
        return cv_machine_push_new(m, CV_PICKLE_DICT, &value);
    }
    CV_TRY(cv_machine_push_new(m, CV_PICKLE_CALL, &value));
    CV_TRY(cv_machine_append(m, value, callable));
    CV_TRY(cv_machine_append(m, value, arguments));
done:
    return status;
}

/* An inert object keeps a dictionary of attributes that a pickle sets on it; those of a dictionary, and any other
 * state, are dropped. Any object but a dictionary is inert from then on. */
static cogvideo_status run_build(cv_machine *m)
{
    cogvideo_status status;
    cv_pickle_value *state, *object;

    CV_TRY(cv_machine_pop(m, &state));
    CV_TRY(cv_machine_pop(m, &object));
    for (size_t i = 0; object->kind == CV_PICKLE_INERT && object != &m->pickle->inert &&
                       state->kind == CV_PICKLE_DICT && i < state->count;
         i++)
        CV_TRY(cv_machine_append(m, object, state->items[i]));
    CV_TRY(cv_machine_push(m, object->kind == CV_PICKLE_DICT || object->kind == CV_PICKLE_INERT ? object
                                                                                                : &m->pickle->inert));
done:
    return status;
}

/* NEWOBJ takes a class and arguments, NEWOBJ_EX also keywords. Each object of a class is a value of its own, since it
 * may get attributes. */
static cogvideo_status run_new_object(cv_machine *m, int takes)
{
    cogvideo_status status = COGVIDEO_OK;
    cv_pickle_value *taken = NULL, *object;

    for (int i = 0; i < takes; i++)
        CV_TRY(cv_machine_pop(m, &taken));
    CV_TRY(cv_machine_push_new(m, CV_PICKLE_INERT, &object));
    if (taken->kind == CV_PICKLE_INERT) {
        object->text = taken->text;
        object->size = taken->size;
    }
done:
    return status;
}

static cogvideo_status run_persistent(cv_machine *m)
{
    cogvideo_status status;
    cv_pickle_value *id, *value;

    CV_TRY(cv_machine_pop(m, &id));
    CV_TRY(cv_machine_push_new(m, CV_PICKLE_PERSISTENT, &value));
    CV_TRY(cv_machine_append(m, value, id));
done:
    return status;
}

/* Pushes a tuple, list or dict of `count` items that were on the stack. */
static cogvideo_status push_group(cv_machine *m, cv_pickle_kind kind, cv_pickle_value **items, size_t count)
{
    cogvideo_status status;
    cv_pickle_value *value;

    if (kind == CV_PICKLE_DICT && count % 2)
        return cv_machine_fail(m, "has a key without a value");
    CV_TRY(cv_machine_new(m, kind, &value));
    for (size_t i = 0; i < count; i++)
        CV_TRY(cv_machine_append(m, value, items[i]));
    CV_TRY(cv_machine_push(m, value));
done:
    return status;
}

static cogvideo_status run_small_tuple(cv_machine *m, size_t count)
{
    cv_pickle_value **items;
    cogvideo_status status = cv_machine_pop_many(m, count, &items);

    return status == COGVIDEO_OK ? push_group(m, CV_PICKLE_TUPLE, items, count) : status;
}

static cogvideo_status run_group(cv_machine *m, cv_pickle_kind kind)
{
    cv_pickle_value **items;
    size_t count;
    cogvideo_status status = cv_machine_pop_mark(m, &items, &count);

    return status == COGVIDEO_OK ? push_group(m, kind, items, count) : status;
}

/* Puts `count` items into the list or dict on top; an inert object drops them. */
static cogvideo_status put_items(cv_machine *m, cv_pickle_kind kind, cv_pickle_value **items, size_t count)
{
    cogvideo_status status;
    cv_pickle_value *container;

    CV_TRY(cv_machine_top(m, &container));
    if (container->kind == CV_PICKLE_INERT)
        return COGVIDEO_OK;
    if (container->kind != kind)
        return cv_machine_fail(m, kind == CV_PICKLE_LIST ? "appends to something that is not a list"
                                                         : "sets a key of something that is not a dictionary");
    if (kind == CV_PICKLE_DICT && count % 2)
        return cv_machine_fail(m, "has a key without a value");
    for (size_t i = 0; i < count; i++)
        CV_TRY(cv_machine_append(m, container, items[i]));
done:
    return status;
}

static cogvideo_status run_put_marked(cv_machine *m, cv_pickle_kind kind)
{
    cv_pickle_value **items;
    size_t count;
    cogvideo_status status = cv_machine_pop_mark(m, &items, &count);

    return status == COGVIDEO_OK ? put_items(m, kind, items, count) : status;
}

static cogvideo_status run_put_last(cv_machine *m, cv_pickle_kind kind, size_t count)
{
    cv_pickle_value **items;
    cogvideo_status status = cv_machine_pop_many(m, count, &items);

    return status == COGVIDEO_OK ? put_items(m, kind, items, count) : status;
}

/* Handles FROZENSET and ADDITEMS: sets are inert. */
static cogvideo_status run_drop_marked(cv_machine *m, bool push_inert)
{
    cv_pickle_value **items, *set;
    size_t count;
    cogvideo_status status = cv_machine_pop_mark(m, &items, &count);

    if (status != COGVIDEO_OK)
        return status;
    return push_inert ? cv_machine_push(m, &m->pickle->inert) : cv_machine_top(m, &set);
}

static cogvideo_status run_pop(cv_machine *m)
{
    cv_pickle_value *dropped;

    if (m->mark_count > 0 && cv_machine_above_mark(m) == 0) {
        m->mark_count--;
        return COGVIDEO_OK;
    }
    return cv_machine_pop(m, &dropped);
}

static cogvideo_status run_pop_mark(cv_machine *m)
{
    cv_pickle_value **items;
    size_t count;

    return cv_machine_pop_mark(m, &items, &count);
}

static cogvideo_status run_dup(cv_machine *m)
{
    cv_pickle_value *value;
    cogvideo_status status = cv_machine_top(m, &value);

    return status == COGVIDEO_OK ? cv_machine_push(m, value) : status;
}

static cogvideo_status run_put(cv_machine *m, int width)
{
    uint64_t index;
    cogvideo_status status = cv_machine_take_number(m, width, &index);

    return status == COGVIDEO_OK ? cv_machine_remember(m, index) : status;
}

static cogvideo_status run_get(cv_machine *m, int width)
{
    uint64_t index;
    cogvideo_status status = cv_machine_take_number(m, width, &index);

    return status == COGVIDEO_OK ? cv_machine_recall(m, index) : status;
}

static cogvideo_status run_protocol(cv_machine *m)
{
    uint64_t version;
    cogvideo_status status = cv_machine_take_number(m, 1, &version);

    if (status == COGVIDEO_OK && (version < 2 || version > 5))
        return cv_machine_fail(m, "has an unknown protocol; 2 to 5 are supported");
    return status;
}

/* A frame only says how many bytes follow. */
static cogvideo_status run_frame(cv_machine *m)
{
    uint64_t size;
    cogvideo_status status = cv_machine_take_number(m, 8, &size);

    if (status == COGVIDEO_OK && size > m->size - m->at)
        return cv_machine_fail(m, "ends too early: it is truncated, or a length in it is wrong");
    return status;
}

static cogvideo_status run_empty(cv_machine *m, cv_pickle_kind kind)
{
    cv_pickle_value *value;

    return cv_machine_push_new(m, kind, &value);
}

/* Handles opcodes that push one value without reading the stack; clears *known for any other. */
static cogvideo_status run_scalar(cv_machine *m, int opcode, bool *known)
{
    switch (opcode) {
    case 'N':
        return cv_machine_push(m, &m->pickle->none);
    case 0x88:
        return push_bool(m, 1);
    case 0x89:
        return push_bool(m, 0);
    case 'K':
        return push_int(m, 1);
    case 'M':
        return push_int(m, 2);
    case 'J':
        return push_int(m, 4);
    case 0x8a:
        return push_long(m, 1);
    case 0x8b:
        return push_long(m, 4);
    case 'G':
        return push_float(m);
    case 0x8c:
        return push_text(m, 1, CV_PICKLE_TEXT);
    case 'X':
        return push_text(m, 4, CV_PICKLE_TEXT);
    case 0x8d:
        return push_text(m, 8, CV_PICKLE_TEXT);
    case 'U':
    case 'C':
        return push_text(m, 1, CV_PICKLE_INERT); /* byte strings */
    case 'T':
    case 'B':
        return push_text(m, 4, CV_PICKLE_INERT);
    case 0x8e:
        return push_text(m, 8, CV_PICKLE_INERT);
    case ')':
        return run_empty(m, CV_PICKLE_TUPLE);
    case ']':
        return run_empty(m, CV_PICKLE_LIST);
    case '}':
        return run_empty(m, CV_PICKLE_DICT);
    case 0x8f:
        return cv_machine_push(m, &m->pickle->inert); /* an empty set */
    case 'c':
        return run_global(m);
    case 'h':
        return run_get(m, 1);
    case 'j':
        return run_get(m, 4);
    }
    *known = false;
    return COGVIDEO_OK;
}

static cogvideo_status run(cv_machine *m, int opcode)
{
    bool known = true;
    cogvideo_status status = run_scalar(m, opcode, &known);
    char text[80];

    if (known)
        return status;
    switch (opcode) {
    case 0x80:
        return run_protocol(m);
    case 0x95:
        return run_frame(m);
    case '(':
        return cv_machine_mark(m);
    case '0':
        return run_pop(m);
    case '1':
        return run_pop_mark(m);
    case '2':
        return run_dup(m);
    case 'q':
        return run_put(m, 1);
    case 'r':
        return run_put(m, 4);
    case 0x94:
        return cv_machine_remember(m, m->memo_count);
    case 0x85:
        return run_small_tuple(m, 1);
    case 0x86:
        return run_small_tuple(m, 2);
    case 0x87:
        return run_small_tuple(m, 3);
    case 't':
        return run_group(m, CV_PICKLE_TUPLE);
    case 'l':
        return run_group(m, CV_PICKLE_LIST);
    case 'd':
        return run_group(m, CV_PICKLE_DICT);
    case 'a':
        return run_put_last(m, CV_PICKLE_LIST, 1);
    case 'e':
        return run_put_marked(m, CV_PICKLE_LIST);
    case 's':
        return run_put_last(m, CV_PICKLE_DICT, 2);
    case 'u':
        return run_put_marked(m, CV_PICKLE_DICT);
    case 0x90:
        return run_drop_marked(m, false);
    case 0x91:
        return run_drop_marked(m, true);
    case 0x93:
        return run_stack_global(m);
    case 'R':
        return run_reduce(m);
    case 'b':
        return run_build(m);
    case 0x81:
        return run_new_object(m, 2);
    case 0x92:
        return run_new_object(m, 3);
    case 'Q':
        return run_persistent(m);
    }
    snprintf(text, sizeof text, "uses opcode 0x%02x, which tensors do not need and which is refused", (unsigned)opcode);
    return cv_machine_fail(m, text);
}

static cogvideo_status run_all(cv_machine *m)
{
    cogvideo_status status = COGVIDEO_OK;

    while (status == COGVIDEO_OK) {
        if (m->at == m->size)
            return cv_machine_fail(m, "ends too early: it is truncated, or a length in it is wrong");
        if (m->bytes[m->at++] == '.')
            break;
        status = run(m, m->bytes[m->at - 1]);
    }
    if (status == COGVIDEO_OK && (m->count != 1 || m->mark_count != 0 || m->at != m->size))
        return cv_machine_fail(m, "does not end in exactly one value");
    return status;
}

cogvideo_status cv_pickle_read(cv_pickle **out, const void *bytes, size_t size, const char *origin, cogvideo_error *err)
{
    cogvideo_status status;
    cv_pickle *pickle = NULL;
    cv_machine *m = NULL;

    CV_NEW(pickle, 1, err);
    pickle->inert.kind = CV_PICKLE_INERT;
    pickle->none.kind = CV_PICKLE_NONE;
    CV_NEW(m, 1, err);
    *m = (cv_machine){ .pickle = pickle, .bytes = bytes, .size = size, .origin = origin, .err = err };
    CV_TRY(run_all(m));
    pickle->root = m->stack[0];
    *out = pickle;
    pickle = NULL;
done:
    if (m) {
        cv_free(m->stack);
        cv_free(m->memo);
    }
    cv_free(m);
    cv_pickle_free(&pickle);
    return status;
}

const cv_pickle_value *cv_pickle_root(const cv_pickle *pickle)
{
    return pickle->root;
}

const char *cv_pickle_kind_text(const cv_pickle_value *value)
{
    switch (value->kind) {
    case CV_PICKLE_NONE:
        return "None";
    case CV_PICKLE_BOOL:
        return "a truth value";
    case CV_PICKLE_INT:
    case CV_PICKLE_FLOAT:
        return "a number";
    case CV_PICKLE_TEXT:
        return "a text";
    case CV_PICKLE_TUPLE:
    case CV_PICKLE_LIST:
        return "a list";
    case CV_PICKLE_DICT:
        return "a dictionary";
    default:
        return "another object";
    }
}

bool cv_pickle_is_text(const cv_pickle_value *value, const char *text)
{
    return value->kind == CV_PICKLE_TEXT && value->size == strlen(text) && memcmp(value->text, text, value->size) == 0;
}

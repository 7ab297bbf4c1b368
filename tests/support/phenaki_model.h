/* phenaki_model.h - a small Phenaki model for tests: networks of seeded numbers, with own switches, over the words of
 * the shapes world. */
#ifndef TESTS_PHENAKI_MODEL_H
#define TESTS_PHENAKI_MODEL_H

enum {
    PHENAKI_MODEL_HEIGHT = 16,
    PHENAKI_MODEL_WIDTH = 24,
    PHENAKI_MODEL_FRAMES = 9, /* of a scene: 3 latent frames of 2 x 3 codes */
    PHENAKI_MODEL_CONTEXT = 5,
    PHENAKI_MODEL_CODES = 64,
};

/* Writes "TEMP/FOLDER": video tokenizer, masked transformer, a self critic, text encoder and text tokenizer. Aborts on
 * failure. */
void phenaki_model_write(const char *folder);
/* The same of a masked transformer that reads no text, without text encoder and text tokenizer. */
void phenaki_model_write_without_text(const char *folder);

#endif

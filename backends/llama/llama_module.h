/* Private: The boundary between Sennit and its component "llama.cpp in process" (plugins/llama): a small C interface,
 * so that Sennit neither links libllama nor has to be rebuilt with it, and libllama's frequent changes stay on the
 * other side.
 *
 * Nothing throws across it. Strings are UTF-8 and need no end mark where a length stands beside them. Unless a
 * function says otherwise it is called by one thread at a time for one model or engine. [any-thread] functions may be
 * called while another one runs. */
#ifndef SENNIT_LLAMA_MODULE_H
#define SENNIT_LLAMA_MODULE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Counts up with every change that an old module or an old Sennit would not survive. */
#define SENNIT_LLAMA_ABI 1
#define SENNIT_LLAMA_ENTRY "sennit_llama_open"

typedef struct sennit_llama_model sennit_llama_model;   /* weights and vocabulary */
typedef struct sennit_llama_engine sennit_llama_engine; /* a context with several sequences */

/* Why something was refused. */
enum {
  SENNIT_LLAMA_OK = 0,
  SENNIT_LLAMA_FAILED = -1,      /* `text` says why */
  SENNIT_LLAMA_TOO_LONG = -2,    /* `wanted` tokens do not fit into `available` */
  SENNIT_LLAMA_BAD_GRAMMAR = -3, /* the grammar cannot be read */
  SENNIT_LLAMA_BUSY = -4,        /* every sequence is at work, or the others fill the memory: later */
  SENNIT_LLAMA_INTERRUPTED = -5  /* the caller wished so */
};

typedef struct sennit_llama_why {
  int32_t code;
  int64_t wanted;
  int64_t available;
  char text[512];
} sennit_llama_why;

/* Asked now and then by whatever takes long, on its thread: not zero ends the work soon. */
typedef struct sennit_llama_interrupt {
  int32_t (*interrupted)(void* user); /* null: never */
  void* user;
} sennit_llama_interrupt;

typedef struct sennit_llama_load_options {
  const char* path;
  int32_t gpu_layers; /* negative: as many as there are */
  sennit_llama_interrupt interrupt;
} sennit_llama_load_options;

typedef struct sennit_llama_engine_options {
  uint32_t context;   /* tokens that the sequences hold together; 0: what the model was made for, within reason */
  uint32_t sequences; /* at most so many at once */
  uint32_t batch;     /* tokens that are read in one step; 0: the default */
  int32_t threads;    /* 0: the default */
  sennit_llama_interrupt interrupt; /* of a step: on the CPU alone */
} sennit_llama_engine_options;

typedef struct sennit_llama_message {
  const char* role; /* "system", "user", "assistant" */
  const char* content;
  size_t length;
} sennit_llama_message;

/* One completion. Everything is copied. */
typedef struct sennit_llama_request {
  const sennit_llama_message* messages;
  size_t message_count;
  const char* grammar; /* GBNF whose start is `root`; null: none */
  const char* trigger; /* the grammar rules from this text on, which it begins with; null: from the first token on */
  int32_t no_thinking; /* not zero: a model that thinks in <think> tags is told that it has done so */
  int64_t max_tokens;  /* 0: until the context is full */
  float temperature;   /* 0: always the likeliest token */
  float top_p;
  float min_p;
  int32_t top_k;
  float repeat_penalty; /* 1: none */
  uint32_t seed;        /* 0xFFFFFFFF: another one each time */
} sennit_llama_request;

enum {
  SENNIT_LLAMA_TOKEN = 0, /* one more token; `text` holds its bytes, which may be a part of a character, or none */
  SENNIT_LLAMA_STOPPED,   /* the model ended its answer */
  SENNIT_LLAMA_LENGTH,    /* max_tokens */
  SENNIT_LLAMA_FULL,      /* the context is full */
  SENNIT_LLAMA_BROKEN     /* it cannot go on: `code` and `text` say why */
};

/* What became of a sequence in a step. After anything but TOKEN the sequence is free again, and what it has read and
 * written stays in memory for a later prompt that begins alike. */
typedef struct sennit_llama_output {
  int32_t sequence;
  int32_t kind;
  int32_t code;
  const char* text; /* valid until the next call for the engine */
  size_t length;
  int64_t prompt;  /* tokens of the prompt */
  int64_t cached;  /* of these, so many were in memory already */
  int64_t written; /* tokens so far */
} sennit_llama_output;

typedef struct sennit_llama_engine_info {
  uint32_t context;
  uint32_t sequences;
  int32_t own_template; /* not zero: the model's own chat template is used; zero: ChatML in its place */
} sennit_llama_engine_info;

typedef struct sennit_llama_api {
  uint32_t abi; /* SENNIT_LLAMA_ABI */

  /* Blocks for as long as it takes. Null: `why` says why. */
  sennit_llama_model* (*load)(const sennit_llama_load_options* options, sennit_llama_why* why);
  void (*unload)(sennit_llama_model* model); /* after its engines have been stopped */

  sennit_llama_engine* (*start)(sennit_llama_model* model, const sennit_llama_engine_options* options,
                                sennit_llama_why* why);
  void (*stop)(sennit_llama_engine* engine);
  void (*describe)(const sennit_llama_engine* engine, sennit_llama_engine_info* info);

  /* Renders, tokenises and gives the prompt to the sequence that already holds most of it. Returns the sequence, from
   * 0, or a negative code. Does not compute: step() does. */
  int32_t (*submit)(sennit_llama_engine* engine, const sennit_llama_request* request, sennit_llama_why* why);
  /* Ends a sequence. One that has ended already is left alone. */
  void (*cancel)(sennit_llama_engine* engine, int32_t sequence);
  /* A sequence that is held keeps its place and is not computed. */
  void (*hold)(sennit_llama_engine* engine, int32_t sequence, int32_t held);
  /* One more token for every sequence that writes, and a batch of prompt for those that still read. Writes at most
   * one output a sequence (`capacity` >= sequences) and returns how many. Zero although sequences are at work: they
   * still read. */
  size_t (*step)(sennit_llama_engine* engine, sennit_llama_output* outputs, size_t capacity);

  /* Vectors of length 1 for `count` texts, one after the other in `vectors`. With `vectors` null: only *dimensions is
   * set. Blocks. The model must have no engine at work. */
  int32_t (*embed)(sennit_llama_model* model, const sennit_llama_message* texts, size_t count, float* vectors,
                   int32_t* dimensions, sennit_llama_why* why);
} sennit_llama_api;

/* The module's one symbol. Null if it cannot serve this version. [any-thread] */
typedef const sennit_llama_api* (*sennit_llama_open_function)(int version);

#ifdef __cplusplus
}
#endif

#endif

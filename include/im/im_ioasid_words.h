/*
 * The uAPI of ioasid-host in words: its structures as rows, for whoever
 * speaks text or JSON - a monitor, a shell - instead of C.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef IM_IOASID_WORDS_H
#define IM_IOASID_WORDS_H

#include "im/im_ioasid.h"

typedef enum ImuWordKind {
    IMU_WORD_NUMBER,
    IMU_WORD_HEX,               /* a number that people read as an address */
    IMU_WORD_REF,               /* "id.gen" */
    IMU_WORD_ENUM,
    IMU_WORD_FLAGS,             /* "one+two"; a number is taken as well */
    IMU_WORD_LIST,              /* user address of records */
    IMU_WORD_BITS,              /* user address of quad-words of bits */
} ImuWordKind;

#define IMU_WORD_IN     1u
#define IMU_WORD_OUT    2u
#define IMU_WORD_ERROR  4u      /* out, where an error says so */

typedef struct ImuRecord ImuRecord;

/* One member of a structure. */
typedef struct ImuWord {
    const char *name;
    uint8_t kind;               /* ImuWordKind */
    uint8_t dir;                /* IMU_WORD_IN, _OUT, _ERROR */
    uint8_t size;               /* bytes: 4 or 8 */
    uint16_t offset;
    const char *const *names;   /* enumerators, or bits from 0; NULL ends */
    const ImuRecord *of;        /* LIST */
    uint16_t count;             /* LIST: where it says how many, */
    uint16_t stride;            /* and how large one is; 0: nowhere */
    bool bytes;                 /* LIST: count is the size of the only one */
} ImuWord;

struct ImuRecord {
    const char *name;           /* of the C structure */
    uint16_t size;
    uint8_t count;
    const ImuWord *word;
};

typedef struct ImuVerb {
    const char *name;           /* "pasid-alloc" */
    uint32_t command;           /* ImuCommand */
    const ImuRecord *record;
    const char *text;           /* what it does, on a line */
} ImuVerb;

const ImuVerb *im_ioasid_verbs(unsigned *count);
const ImuVerb *im_ioasid_verb(const char *name);
/* The section of docs/uapi.rst that is a command's; none: no such command. */
ImClause im_ioasid_clause(uint32_t command);
/* "event types" and the like of an enumerator; NULL: there is none. */
const char *im_ioasid_event_name(uint32_t type);
const char *im_ioasid_state_name(uint32_t state);
/* "ENOENT" of -ENOENT, with what it means here; NULL: not one of ours. */
const char *im_ioasid_error(int error, const char **text);

/*
 * One command under way. Its structure and lists are user memory of their
 * own from IMU_CALL_BASE on: the host's user_read and user_write pass what
 * lies there to im_ioasid_call_access(), and refuse to pin it.
 */
#define IMU_CALL_BASE  (UINT64_C(1) << 62)

typedef struct ImuCall ImuCall;

ImuCall *im_ioasid_call_new(const ImuVerb *verb);
void im_ioasid_call_free(ImuCall *call);
/*
 * Say a word. list: NULL, or the name of the list whose last element is
 * meant. false: *err says why, in a line to be freed.
 */
bool im_ioasid_call_set(ImuCall *call, const char *list, const char *word,
                        const char *text, char **err);
/* Begin a new element of a list. */
bool im_ioasid_call_add(ImuCall *call, const char *list, char **err);
/* 0 or -EFAULT */
int im_ioasid_call_access(ImuCall *call, uint64_t addr, void *buf, size_t len,
                          bool write);
/* 0 or -errno. */
int im_ioasid_call_run(ImuCall *call, ImIoasidCtx *ctx);

/*
 * What came out of a run that returned error: each word; of a list first
 * {word, -1, NULL}, then each word of each element with its index. text is
 * how people write the value.
 */
typedef void ImuResultFn(void *opaque, const ImuWord *list, int index,
                         const ImuWord *word, const char *text);
void im_ioasid_call_results(const ImuCall *call, int error, ImuResultFn *fn,
                            void *opaque);
/* A member of the structure after the run; kinds NUMBER, HEX, ENUM, FLAGS. */
uint64_t im_ioasid_call_number(const ImuCall *call, const char *word);

#endif /* IM_IOASID_WORDS_H */

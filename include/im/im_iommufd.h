/*
 * iommufd: Linux's /dev/iommu on the reference host backend. An instance is
 * a machine's iommufd, a file is one opening of it; commands, structures and
 * errors are Linux's (include/uapi/linux/iommufd.h says what they mean).
 * docs/iommufd.rst is the other half of this header; im_iommufd_dev.h has
 * devices and what differs between IOMMUs.
 *
 * Nothing here blocks, sleeps or knows of descriptors and processes: who
 * hosts an instance supplies those by its port. One instance is used by one
 * thread at a time.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef IM_IOMMUFD_H
#define IM_IOMMUFD_H

#include "im/im_ioasid.h"

typedef struct ImIommufd ImIommufd;             /* of a machine */
typedef struct ImIommufdFile ImIommufdFile;     /* one opening */
typedef struct ImIommufdQueue ImIommufdQueue;   /* fault or vEVENT queue */
typedef struct ImIommufdAccess ImIommufdAccess; /* who maps without IOMMU */

/* log2 of the page of the CPU that pins count, and that has an identity. */
#define IM_IOMMUFD_PAGE_SHIFT  12
#define IM_IOMMUFD_PAGE        (UINT64_C(1) << IM_IOMMUFD_PAGE_SHIFT)

/* --- the host ----------------------------------------------------------- */

/*
 * Where bytes are: an object that has memory, and the offset in it. Equal
 * objects and offsets are the same memory; offset is that of a page. Private
 * memory of a process is an object of its own.
 */
typedef struct ImIommufdPage {
    void *object;               /* the host's */
    uint64_t offset;
} ImIommufdPage;

/* Pages that follow each other in one object. */
typedef struct ImIommufdExtent {
    ImIommufdPage page;         /* the first one */
    uint64_t length;            /* bytes, of whole pages */
} ImIommufdExtent;

/*
 * Who asks. mm is a source as below: the address space in which the
 * addresses of the command are.
 */
typedef struct ImIommufdCaller {
    void *mm;
    uint32_t uid;
    bool may_raise;             /* CAP_SYS_RESOURCE */
    bool may_lock;              /* CAP_IPC_LOCK: no limit on pinned memory */
    uint64_t memlock;          /* RLIMIT_MEMLOCK in bytes; UINT64_MAX: none */
    void *opaque;               /* the host's: which task, its descriptors */
} ImIommufdCaller;

/*
 * What the engine needs. A source is where mappings take memory from: the
 * address space of a process, or a file; equal handles are the same one, and
 * a source stays while it is held, also when its process is gone. Every call
 * that returns int returns 0 or -errno.
 */
typedef struct ImIommufdPort {
    size_t size;
    void *(*alloc)(void *host, size_t bytes);       /* zeroed, or NULL */
    void (*free)(void *host, void *p, size_t bytes);

    /* Memory of the caller, at a user address: -EFAULT. */
    int (*copy_in)(void *host, const ImIommufdCaller *caller, uint64_t addr,
                   void *buf, size_t len);
    int (*copy_out)(void *host, const ImIommufdCaller *caller, uint64_t addr,
                    const void *buf, size_t len);

    void (*hold)(void *host, void *source);
    void (*drop)(void *host, void *source);
    /* The file behind a descriptor of the caller, whatever it is, held: -EBADF,
     * -ENODEV if it was revoked. *bytes: the size of memory that only devices reach (a
     * dma-buf), UINT64_MAX of any other file. */
    int (*file)(void *host, const ImIommufdCaller *caller, int32_t fd,
                void **source, uint64_t *bytes);
    /*
     * Make the pages at addr of a source stay, be it for writing: as many of
     * length as are one extent, at least one page. addr and length are of
     * whole pages. -EFAULT: nothing there, or not to be written, or the
     * process is gone; of a file also -EINVAL. What was pinned at once may
     * be unpinned in parts, dirty if it may have been written.
     */
    int (*pin)(void *host, void *source, uint64_t addr, uint64_t length,
               bool write, ImIommufdExtent *extent);
    void (*unpin)(void *host, const ImIommufdExtent *extent, bool dirty);
    /* Bytes of a pinned page, also of a process that is gone. -EFAULT */
    int (*page_read)(void *host, const ImIommufdPage *page, uint32_t at,
                     void *buf, size_t len);
    int (*page_write)(void *host, const ImIommufdPage *page, uint32_t at,
                      const void *buf, size_t len);

    /* Give the caller a descriptor of a queue and write its number (32 bits)
     * to a user address. The queue is the descriptor's until
     * im_iommufd_queue_close(), unless this fails. -EMFILE, -EFAULT, ... */
    int (*install)(void *host, const ImIommufdCaller *caller,
                   ImIommufdQueue *queue, uint64_t addr);
    /* im_iommufd_queue_poll() of a queue may say something else. */
    void (*changed)(void *host, ImIommufdQueue *queue);

    uint64_t (*now)(void *host); /* virtual ns */
} ImIommufdPort;

/* --- commands ----------------------------------------------------------- */

/* A command on its way. */
typedef struct ImIommufdCall {
    ImIommufdFile *file;
    const ImIommufdCaller *caller;
    void *cmd; /* its structure, zero-extended */
    uint32_t user_size; /* as the caller knows it */
    uint64_t user; /* user address of it */
} ImIommufdCall;

/* A row of commands. */
typedef struct ImIommufdCommand {
    uint8_t nr; /* 0x80 and up */
    uint32_t min; /* less: EINVAL */
    uint32_t size; /* more and not 0: E2BIG */
    int (*obey)(ImIommufdCall *call); /* 0 or -errno */
} ImIommufdCommand;

#define IM_IOMMUFD_COMMAND(nr, type, last, fn)                             \
    { (nr), (uint32_t)(offsetof(type, last) + sizeof(((type *)0)->last)),  \
      (uint32_t)sizeof(type), (fn) }

/* The largest structure that a row may have. */
#define IM_IOMMUFD_COMMAND_MAX  256u

/* Write len bytes of the structure back, at most what the caller has of it.
 * -EFAULT */
int im_iommufd_respond(const ImIommufdCall *call, size_t len);

/* --- instances ---------------------------------------------------------- */

typedef struct ImIommufdConfig {
    uint8_t io_page_shift; /* of the IOMMUs, 11 .. 12 */
    uint8_t pasid_bits; /* 1 .. 20 */
    const ImIommufdCommand *extra; /* commands of the host's own, tried
                                      first; not copied */
    unsigned extra_count;
    bool before_viommu; /* HWPT_INVALIDATE of what is no nested
                           table is ENOENT, as until Linux 6.12 */
} ImIommufdConfig;

extern const ImIommufdConfig IM_IOMMUFD_CONFIG_DEFAULT;

/* One line in *err (g_free() it) on impossible values, or NULL and no
 * memory. */
ImIommufd *im_iommufd_new(const ImIommufdConfig *config,
                          const ImIommufdPort *port, void *host, char **err);
/* Every file must be closed before. */
void im_iommufd_free(ImIommufd *f);
/* The backend: devices make requests there. */
ImIoasid *im_iommufd_backend(ImIommufd *f);
/* Bytes of memory that mappings pinned, at an address that the backend
 * translated to. -EFAULT: not there. */
int im_iommufd_memory_read(ImIommufd *f, uint64_t pa, void *buf, size_t len);
int im_iommufd_memory_write(ImIommufd *f, uint64_t pa, const void *buf,
                            size_t len);
/* Which page it is, and where in the page. -EFAULT */
int im_iommufd_memory_page(ImIommufd *f, uint64_t pa, ImIommufdPage *page,
                           uint32_t *at);

/* --- files -------------------------------------------------------------- */

/* NULL: no memory. Held once. */
ImIommufdFile *im_iommufd_open(ImIommufd *f);
/* A file lives as long as its descriptor, those of its queues, its accesses
 * and its bound devices: each holds it. The last drop destroys all that is
 * left. */
void im_iommufd_hold(ImIommufdFile *file);
void im_iommufd_drop(ImIommufdFile *file);
ImIommufd *im_iommufd_of(const ImIommufdFile *file);

/* Obey ioctl(fd, request, arg): iommufd's commands, VFIO's type 1 container
 * commands, and those of the configuration. Returns what ioctl() returns, or
 * -errno; ENOTTY: no such command. */
int im_iommufd_ioctl(ImIommufdFile *file, const ImIommufdCaller *caller,
                     uint32_t request, uint64_t arg);

typedef struct ImIommufdMmap {
    void *object; /* the host's, as the driver gave it */
    uint64_t offset;
} ImIommufdMmap;

/*
 * mmap() of a file's descriptor: offset and length as the caller gave them.
 * -ENXIO: nothing is there; -EPERM, -EINVAL as Linux. With 0, the caller maps
 * what *out says, and im_iommufd_munmap() is called when no mapping of it is
 * left.
 */
int im_iommufd_mmap(ImIommufdFile *file, uint64_t offset, uint64_t length,
                    bool shared, bool exec, ImIommufdMmap *out);
void im_iommufd_munmap(ImIommufdFile *file, uint64_t offset);

/* --- queues: im_iommufd_dev.h has what is in them ----------------------- */

/* read() and write() on a queue's descriptor: bytes, or -errno; -EAGAIN or 0
 * where a read would wait. at: the offset of pread(), 0 for read(). */
int64_t im_iommufd_queue_read(ImIommufdQueue *q, const ImIommufdCaller *caller,
                              uint64_t buf, size_t len, uint64_t at);
int64_t im_iommufd_queue_write(ImIommufdQueue *q, const ImIommufdCaller *caller,
                               uint64_t buf, size_t len, uint64_t at);
#define IM_IOMMUFD_POLLIN   1u
#define IM_IOMMUFD_POLLOUT  2u
unsigned im_iommufd_queue_poll(const ImIommufdQueue *q);
/* The last descriptor of it was closed. */
void im_iommufd_queue_close(ImIommufdQueue *q);
/* The host's own word for a queue, NULL at first. */
void im_iommufd_queue_set_opaque(ImIommufdQueue *q, void *opaque);
void *im_iommufd_queue_opaque(const ImIommufdQueue *q);

/* --- objects of the host's own ------------------------------------------ */

/* An object with a number among the file's, that DESTROY and the file's end
 * destroy; destroy is called once. 0, -ENOMEM. */
typedef struct ImIommufdThing {
    const char *name;
    void (*destroy)(ImIommufdFile *file, void *opaque);
} ImIommufdThing;

int im_iommufd_thing_new(ImIommufdFile *file, const ImIommufdThing *kind,
                         void *opaque, uint32_t *id);
/* Destroy it, as DESTROY does. */
void im_iommufd_thing_free(ImIommufdFile *file, uint32_t id);
/* NULL: no such object of that kind. */
void *im_iommufd_thing(ImIommufdFile *file, const ImIommufdThing *kind,
                       uint32_t id);

/* --- accesses: what an emulated device in the kernel is ----------------- */

typedef struct ImIommufdAccessOps {
    bool pins; /* it pins; else it only reads and writes */
    /* Unpin all that is pinned in this range, before this returns. With
     * pins. May pin nothing, and destroy nothing. */
    void (*unmap)(void *opaque, uint64_t iova, uint64_t length);
} ImIommufdAccessOps;

/* The access holds the file, and is an object that cannot be DESTROYed.
 * -ENOMEM */
int im_iommufd_access_new(ImIommufdFile *file, const ImIommufdAccessOps *ops,
                          void *opaque, ImIommufdAccess **access, uint32_t *id);
/* Detaches. All is unpinned by then, by unmap. */
void im_iommufd_access_free(ImIommufdAccess *access);
/* -ENOENT; -EINVAL: it has one; -EADDRINUSE: it pins whole pages, and others
 * are mapped. */
int im_iommufd_access_attach(ImIommufdAccess *access, uint32_t ioas_id);
/* The same, -ENOENT also when it has none; on error the old one stays. */
int im_iommufd_access_replace(ImIommufdAccess *access, uint32_t ioas_id);
void im_iommufd_access_detach(ImIommufdAccess *access);

#define IM_IOMMUFD_ACCESS_WRITE  1u

/* pages[] for each page that iova .. iova + length - 1 touches. -ENOENT: not
 * mapped; -EPERM: not to be written; -EINVAL; -EOVERFLOW; -EFAULT; -ENOMEM. */
int im_iommufd_access_pin(ImIommufdAccess *access, uint64_t iova,
                          uint64_t length, uint32_t flags,
                          ImIommufdPage *pages);
/* The same iova and length as pinned. */
void im_iommufd_access_unpin(ImIommufdAccess *access, uint64_t iova,
                             uint64_t length);
int im_iommufd_access_rw(ImIommufdAccess *access, uint64_t iova, void *buf,
                         size_t length, uint32_t flags);

/* --- for those who look at it from outside ------------------------------ */

/* Reserve iovas of an IOAS until it is destroyed. -ENOENT, -EADDRINUSE,
 * -EOVERFLOW, -ENOMEM, -EINVAL (length 0). */
int im_iommufd_ioas_reserve(ImIommufdFile *file, uint32_t ioas_id,
                            uint64_t iova, uint64_t length);

/* What is at a page of a source now. -EFAULT */
int im_iommufd_page_at(ImIommufd *f, void *source, uint64_t addr,
                       ImIommufdPage *page);
/* The memory of a source is there no more (a dma-buf is revoked): what maps it
 * stays mapped and leads nowhere. */
void im_iommufd_revoke(ImIommufd *f, void *source);
/* How many mappings' memory, of all files, has this page pinned: memory that
 * mappings share counts once. */
uint32_t im_iommufd_page_pins(ImIommufd *f, const ImIommufdPage *page);

/* Pages that are charged to an address space: pinned for it, and of them
 * those that its limit on locked memory counts. */
void im_iommufd_charged(ImIommufd *f, void *mm, uint64_t *pinned,
                        uint64_t *locked);

/* Everything, for people. */
void im_iommufd_dump(ImIommufd *f, GString *out);
/* NULL, or a line that says which invariant does not hold (g_free() it). */
char *im_iommufd_check(ImIommufd *f);

#endif /* IM_IOMMUFD_H */

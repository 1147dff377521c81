/*
 * Requests against the reference model: a walker of our own for guests'
 * tables, and what the backend says with its caches and without.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/io_guest.h"
#include "lib/io_model_int.h"
#include "lib/smmu_build.h"
#include "lib/vtd_fs.h"

/* --- the walker --------------------------------------------------------- */

typedef struct Walk {
    const Model *m;
    const MSpace *root;         /* what is mapped */
    uint64_t pa;                /* of the opener's memory */
    bool write;
} Walk;

static int mapped(const Walk *w, uint64_t gpa, bool write)
{
    uint64_t page = gpa / IO_PAGE;

    return page < M_PAGES && (!write || w->root->write[page]) ?
               w->root->page[page] :
               M_NONE;
}

static bool entry(const Walk *w, uint64_t gpa, uint64_t *e)
{
    int page = mapped(w, gpa, false);

    if (page == M_NONE) {
        return false;
    }
    *e = rig_r64(w->m->io->r, w->pa + (uint64_t)page * IO_PAGE + gpa % IO_PAGE);
    return true;
}

static bool vtd_entry(void *opaque, const FsWalk *fs, uint64_t *e)
{
    return entry(opaque, fs->at, e) && *e & FS_P;
}

/* Pages of 4 KiB; A and D are set from the start. */
static bool walk_vtd(const Walk *w, uint64_t va, uint64_t *gpa)
{
    Walk asked = *w;
    FsWalk fs;

    if (!fs_walk(M_FS * IO_PAGE, 4, va, vtd_entry, NULL, &asked, &fs) ||
        !fs_grants(&fs, w->write)) {
        return false;
    }
    *gpa = fs.out;
    return true;
}

/* One level of Arm, behind the CD of a substream. */
static bool walk_arm(const Walk *w, uint64_t ssid, uint64_t va, uint64_t *gpa)
{
    uint64_t cd = M_CDS * IO_PAGE + 64 * ssid;
    uint64_t word, ttb, e;

    if (!entry(w, cd, &word) || !entry(w, cd + 8, &ttb) || !(word >> 31 & 1) ||
        va >> 21) {
        return false;
    }
    if (!entry(w, (ttb & UINT64_C(0xffffffffff000)) + (va >> 12) * 8, &e) ||
        (e & (D_V | D_TABLE)) != (D_V | D_TABLE)) {
        return false;
    }
    *gpa = sb_desc_addr(12, e) | va % IO_PAGE;
    return true;
}

static bool through_table(const Walk *w, const MSpace *sp, int64_t ssid,
                          uint64_t addr, uint64_t *gpa)
{
    if (sp->format == IMU_FORMAT_VTD_FIRST) {
        return walk_vtd(w, addr, gpa);
    }
    if (sp->kind == IMU_SPACE_NESTED) {
        return walk_arm(w, 0, addr, gpa);
    }
    if (ssid == M_NONE && sp->dss == 1) {
        *gpa = addr;
        return true;
    }
    if (ssid == M_NONE ? sp->dss != 2 :
                         ssid >= 1 << M_CDMAX || (ssid == 0 && sp->dss == 2)) {
        return false;
    }
    return walk_arm(w, ssid == M_NONE ? 0 : (uint64_t)ssid, addr, gpa);
}

bool model_table(const MSet *s, int func)
{
    int own = s->dev[func].own;

    return own >= 0 && s->space[own].kind == IMU_SPACE_PASID_TABLE;
}

const MSpace *model_root(const MSet *s, int space)
{
    const MSpace *sp = space < 0 ? NULL : &s->space[space];

    if (sp && sp->parent != M_NONE) {
        sp = &s->space[sp->parent];
    }
    return sp && sp->kind == IMU_SPACE_MAPPED ? sp : NULL;
}

/* Where a request of it goes, by a walk of our own: a user page, or M_NONE,
 * and the address in what is mapped. ssid: M_NONE: without PASID. */
static int model_reach(Model *m, const MSet *s, int space, int64_t ssid,
                       uint64_t addr, bool write, uint64_t *gpa)
{
    Walk w = { .m = m, .root = model_root(s, space), .write = write };

    if (!w.root) {
        return M_NONE;
    }
    w.pa = model_memory(m, s);
    *gpa = addr;
    if (w.root != &s->space[space] &&
        !through_table(&w, &s->space[space], ssid, addr, gpa)) {
        return M_NONE;
    }
    return mapped(&w, *gpa, write);
}

uint64_t model_memory(const Model *m, const MSet *s)
{
    for (unsigned c = 0; c < M_CTXS; c++) {
        if (s >= m->ctx[c].set && s < m->ctx[c].set + M_SETS) {
            return ((IoUser *)m->io->users->pdata[c])->pa;
        }
    }
    g_assert_not_reached();
}

/* --- requests ----------------------------------------------------------- */

/* Something is written, or may be soon: at gpa, or, as what is cached is not
 * known, at one of the pages that tables lead to. */
static void written(MSet *s, int space, uint64_t gpa, bool sure)
{
    MSpace *root = (MSpace *)model_root(s, space);

    if (!root->dirty_on) {
        return;
    }
    if (sure) {
        root->dirty[gpa / IO_PAGE] = true;
        return;
    }
    for (unsigned i = 0; i < M_PAGES; i++) {
        root->maybe[i] |= root->page[i] != M_NONE;
    }
}

/* What is stale still is what is mapped, somewhere. */
static bool is_mapped(const Model *m, const MSet *s, int space, uint64_t pa,
                      bool write)
{
    const MSpace *root = model_root(s, space);
    uint64_t page = (pa - model_memory(m, s)) / IO_PAGE;

    for (unsigned i = 0; root && i < M_PAGES; i++) {
        if (root->page[i] == (int)page && (!write || root->write[i])) {
            return true;
        }
    }
    return false;
}

static ImXlat explain(Step *t, const MAsk *a)
{
    ImTxn x = {
        .addr = a->addr,
        .len = 8,
        .rid = io_func((unsigned)a->func),
        .access = a->write ? IM_WRITE : IM_READ,
        .has_pasid = a->h != IO_NO_PASID,
        .pasid = a->h != IO_NO_PASID ? a->h : 0,
    };

    return im_ioasid_explain(t->io->h, &x, NULL, NULL);
}

void model_request(Step *t, const MAsk *a)
{
    MSet *s = a->s;
    ImAccess access = a->write ? IM_WRITE : IM_READ;
    bool table = a->space >= 0 && s->space[a->space].parent != M_NONE;
    bool stale = s->stale && table, good;
    uint64_t gpa = 0, pa;
    int page = model_reach(t->m, s, a->space, a->ssid, a->addr, a->write, &gpa);
    ImXlat x = explain(t, a);

    pa = model_memory(t->m, s) + (uint64_t)page * IO_PAGE;
    if ((x.status == IM_OK) != (page != M_NONE) ||
        (page != M_NONE && (x.addr & ~(uint64_t)(IO_PAGE - 1)) != pa)) {
        g_error("%s: without caches status %d at %" G_GINT64_MODIFIER "x, "
                "page %d",
                t->what, x.status, x.addr, page);
    }
    x = a->ats ? io_ats(t->io, (unsigned)a->func, a->h, a->addr, access) :
                 io_dma(t->io, (unsigned)a->func, a->h, a->addr, access);
    good = x.status == IM_OK && x.perm & (a->write ? IM_PERM_W : IM_PERM_R);
    if (stale ? good && !is_mapped(t->m, s, a->space, x.addr, a->write) :
                (good != (page != M_NONE) &&
                 !(a->ats && x.status != IM_OK)) || /* it may have no ATS */
                    (good && (x.addr & ~(uint64_t)(IO_PAGE - 1)) != pa)) {
        g_error("%s: status %d perm %d at %" G_GINT64_MODIFIER "x, page %d",
                t->what, x.status, x.perm, x.addr, page);
    }
    if (good && a->write) {
        written(s, a->space, gpa, !stale);
    }
}

uint64_t model_address(Step *t, const MSet *s, int space)
{
    const MSpace *sp = space < 0 ? NULL : &s->space[space];

    if (!sp || chance(t, 8)) {
        return (uint64_t)below(t, M_PAGES + 2) * IO_PAGE;
    }
    if (sp->parent == M_NONE) {
        return (uint64_t)PICK(t, M_PAGES, sp->page[i_] != M_NONE) * IO_PAGE;
    }
    return sp->format == IMU_FORMAT_VTD_FIRST ?
               IO_FS_VA(below(t, 2)) :
               M_ARM_VA + below(t, 2) * (uint64_t)IO_PAGE;
}

void model_touch(Step *t, int space)
{
    MAsk a = { .s = t->s, .ssid = M_NONE, .write = true };

    for (a.func = 0; a.func < M_FUNCS; a.func++) {
        const MDev *d = &t->s->dev[a.func];

        if (!d->live) {
            continue;
        }
        for (int p = M_NONE; p < M_PASIDS; p++) {
            a.space = p < 0 ? d->own : d->space[p];
            a.h = p < 0 ? IO_NO_PASID : t->s->pasid[p].h;
            if (a.h && a.space >= 0 && p != -1 &&
                model_root(t->s, a.space) == &t->s->space[space]) {
                a.addr = model_address(t, a.s, a.space);
                model_request(t, &a);
            }
        }
    }
}

/* --- I10 ---------------------------------------------------------------- */

static void ask_all(Step *t, MAsk *a)
{
    for (unsigned i = 0; i < 4; i++) {
        a->addr = model_address(t, a->s, a->space);
        a->write = i & 1;
        model_request(t, a);
    }
}

static void ask_table(Step *t, MAsk a)
{
    const MSpace *sp = a.space < 0 ? NULL : &a.s->space[a.space];

    if (!sp || sp->kind != IMU_SPACE_PASID_TABLE) {
        a.space = M_NONE;
    }
    for (a.ssid = 0; a.ssid < 3; a.ssid++) {
        a.h = (uint32_t)a.ssid;
        ask_all(t, &a);
    }
}

static void ask_device(Step *t, int func)
{
    const MDev *d = &t->s->dev[func];
    MAsk a = { .s = t->s,
               .func = func,
               .h = IO_NO_PASID,
               .ssid = M_NONE,
               .space = d->own };

    ask_all(t, &a);
    if ((t->s->mode == IMU_MODE_DELEGATED || model_table(t->s, func)) &&
        func != 4) {
        ask_table(t, a);
    }
    for (int p = 0; p < M_PASIDS; p++) {
        a.space = d->space[p];
        a.h = t->s->pasid[p].h;
        if (a.space != M_NONE && a.h) {
            ask_all(t, &a);
        }
    }
}

static void ask_everything(Step *t)
{
    for (int f = 0; f < M_FUNCS; f++) {
        if (t->s->dev[f].live) {
            ask_device(t, f);
        }
    }
}

/* The guest changes what is cached, invalidates it and waits: what is cached
 * then is what is found. */
void model_check_fenced(Step *t)
{
    ImuFence f = { .set = t->s->ref };

    if (chance(t, 2)) {
        ask_everything(t);
        model_guest_writes(t);
        model_guest_writes(t);
    }
    g_assert_cmpint(io_inv_all(t->io, t->s->ref, IMU_INV_SET, io_none(), 7), ==,
                    0);
    if (io_FENCE(t->io, &f)) {
        g_assert_true(t->io->failed); /* no memory */
    }
    t->s->stale = false;
    for (unsigned i = 0; i < 2; i++) {
        ask_everything(t);
    }
}

/* --- a guest changes its tables ----------------------------------------- */

static void set_leaf(Step *t, uint64_t at, uint64_t flags)
{
    uint64_t to = (M_DATA + below(t, 3)) * (uint64_t)IO_PAGE;

    io_guest_set(t->io, at, chance(t, 4) ? 0 : to | flags);
}

/* A CD of the table: which of the roots, under which ASID. */
static IoCd set_cd(Io *io, unsigned ssid, unsigned root, uint16_t asid)
{
    IoCd cd = { .root = (M_CDS + 1 + root) * (uint64_t)IO_PAGE,
                .g = 12,
                .bits = 21,
                .asid = asid };

    io_cd(io, M_CDS * (uint64_t)IO_PAGE + 64 * ssid, &cd);
    return cd;
}

/* Its sets are stale from now on. */
void model_guest_writes(Step *t)
{
    unsigned which = below(t, 4);

    SAY("guest changes table %u", which);
    if (which == 0) {
        set_leaf(t, (M_FS + 3) * (uint64_t)IO_PAGE, FS_RWU | FS_A | FS_D);
    } else if (which == 3) {
        set_cd(t->io, 1, below(t, 2), (uint16_t)below(t, 4));
    } else {
        set_leaf(t, (M_CDS + which) * (uint64_t)IO_PAGE + 5 * 8,
                 D_V | D_TABLE | SB_S1);
    }
    for (unsigned i = 0; i < M_SETS; i++) {
        t->c->set[i].stale = true;
    }
    if (t->m->talk) {
        g_test_message("%s", t->what);
    }
}

void model_guest_begins(Io *io)
{
    uint64_t none = 0;

    io_fs_map(io, M_FS, IO_FS_VA(0), (uint64_t)M_DATA * IO_PAGE,
              FS_RWU | FS_A | FS_D);
    for (unsigned i = 0; i < 2; i++) {
        IoCd cd = set_cd(io, i, i, (uint16_t)(i + 1));

        io_arm_map(io, &cd, &none, M_ARM_VA, (M_DATA + i) * (uint64_t)IO_PAGE);
    }
}

/*
 * CDs and what they lead to, of three streams: tests/fuzz/caches.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fuzz/caches.h"
#include "lib/smmu_world.h"

static void make(Caches *s, Space *sp, unsigned i)
{
    SWorld *w = s->world;

    sp->pasid = 1 + 7 * i;
    sp->tag = (uint16_t)(0x20 + i);
    w->s1 = sp->root =
        sw_table(w, MAX(4096, sb_root_size(w->shape.g1, w->bits1, w->start1)));
    sp->entry = sw_cd_at(w, sp->pasid);
    sw_fill_cd(w, sp->entry, sp->tag);
}

static void map(Caches *s, const Space *sp, uint64_t va, uint64_t pa)
{
    SWorld *w = s->world;

    w->s1 = sp->root;
    if (pa) {
        sw_map(w, va, pa);
    } else {
        rig_w64(w->r, sw_s1_desc(w, va, 3), 0);
    }
}

static void page_changed(Caches *s, Fuzz *f, const Space *sp, unsigned page)
{
    SWorld *w = s->world;
    unsigned tg = w->shape.g1 == 12 ? 1 : w->shape.g1 == 14 ? 2 : 3;
    uint64_t va = iova(s, page);

    switch (fuzz_below(f, 9)) {
    case 0:
        sb_do(w->r, cmd_op(OP_NSNH_ALL));
        break;
    case 1:
        sb_do(w->r, cmd_tlbi(OP_NH_ALL, w->vmid, 0, 0, false));
        break;
    case 2:
        sb_do(w->r, cmd_tlbi(OP_NH_ASID, w->vmid, sp->tag, 0, false));
        break;
    case 3:
        sb_do(w->r, cmd_tlbi(OP_NH_VAA, w->vmid, 0, va, true));
        break;
    case 4:
        sb_do(w->r, cmd_tlbi(OP_S12_VMALL, w->vmid, 0, 0, false));
        break;
    case 5:
        sb_do(w->r,
              cmd_tlbi_range(cmd_tlbi(OP_NH_VA, w->vmid, sp->tag, va, true), tg,
                             3, 0, 0));
        break;
    case 6: {
        unsigned back = (unsigned)fuzz_below(f, page % 8 + 1);

        sb_do(w->r, cmd_tlbi_range(
                        cmd_tlbi(OP_NH_VA, w->vmid, sp->tag,
                                 va - ((uint64_t)back << w->shape.g1), true),
                        tg, 0, 1 + back, (unsigned)fuzz_below(f, 4)));
        break;
    }
    default:
        sb_do(w->r,
              cmd_tlbi(OP_NH_VA, w->vmid, sp->tag, va, fuzz_one_in(f, 2)));
        break;
    }
}

static void space_changed(Caches *s, Fuzz *f, const Space *sp)
{
    SWorld *w = s->world;

    rig_put(w->r, sp->entry, CD_EPD0, !sp->present);
    for (unsigned i = 0; i < RIDS; i++) {
        uint16_t sid = (uint16_t)(s->rid + i);

        switch (fuzz_below(f, 4)) {
        case 0:
            sb_cmd_put(w->r, cmd_cfgi_cd_all(sid));
            break;
        case 1:
            sb_cmd_put(w->r, cmd_cfgi_ste(sid, fuzz_one_in(f, 2)));
            break;
        default:
            sb_cmd_put(w->r, cmd_cfgi_cd(sid, sp->pasid, true));
            break;
        }
    }
    sb_do(w->r, cmd_tlbi(OP_NH_ASID, w->vmid, sp->tag, 0, false));
}

static void caches(const void *data)
{
    unsigned n = GPOINTER_TO_UINT(data);
    ImSmmuConfig c = rig_smmu_config();
    SwShape shape = { .g1 = n >> 2 & 31 };

    c.tlb_entries = n >> 8;
    g_autoptr(SWorld) w = sw_new_off(&c, (SwKind)(n & 3), true, &shape);
    Caches s = {
        .world = w,
        .r = w->r,
        .rid = (uint16_t)w->sid,
        .page_bits = shape.g1,
        .far = UINT64_C(0x100080000000),
        .va_mask = (UINT64_C(1) << w->bits1) - 1,
        .room = c.tlb_entries,
        .hits = &im_smmu_counters(w->r->smmu)->tlb_hits,
        .no_page = EV_TRANSLATION,
        .no_space = EV_TRANSLATION,
        .make = make,
        .map = map,
        .page_changed = page_changed,
        .space_changed = space_changed,
        .faults_clear = sb_events_clear,
        .clear = 64,
    };
    w->r->ram_top = UINT64_C(1) << 38;
    caches_build(&s);
    for (unsigned i = 0; i < RIDS; i++) {
        sw_stream(w, s.rid + i);
    }
    sw_on(w);
    caches_run(&s, 30000);
}

int main(int argc, char **argv)
{
    static const unsigned entries[] = { 16, 64, 4096 };
    static const uint8_t granules[] = { 12, 14, 16 };
    g_test_init(&argc, &argv, NULL);

    for (unsigned i = 0; i < 9; i++) {
        unsigned n = entries[i / 3], g = granules[i % 3];
        g_autofree char *s1 = g_strdup_printf(
            "/smmu/fuzz/caches/stage-1@%uk/%u", 1u << (g - 10), n);
        g_autofree char *nest = g_strdup_printf(
            "/smmu/fuzz/caches/nested@%uk/%u", 1u << (g - 10), n);

        g_test_add_data_func(s1, GUINT_TO_POINTER(SW_S1 | g << 2 | n << 8),
                             caches);
        g_test_add_data_func(nest,
                             GUINT_TO_POINTER(SW_NESTED | g << 2 | n << 8),
                             caches);
    }
    return g_test_run();
}

/*
 * Every allocation of what devices and tables do fails once: the command is
 * refused, nothing is left behind, and again it succeeds.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "world.h"

#define ROOT    UINT64_C(0x10000)
#define STREAM  0x99u

typedef struct Scene {
    World *w;
    uint32_t dev, ioas2, table, parent, fault, viommu, vdevice, nested;
    uint32_t vq;
} Scene;

typedef int Step(Scene *s);

static int bind_second(Scene *s)
{
    return im_iommufd_bind(s->w->file, FUNC + 1, &s->dev);
}

static int attach_ioas(Scene *s)
{
    uint32_t pt = s->w->ioas;

    return im_iommufd_attach(s->w->file, s->dev, NO_PASID, &pt);
}

static int replace_ioas(Scene *s)
{
    uint32_t pt = s->ioas2;

    return im_iommufd_replace(s->w->file, s->dev, NO_PASID, &pt);
}

static int alloc(Scene *s, IofHwptAlloc *a, uint32_t *id)
{
    int err = CMD(s->w, IOF_NR_HWPT_ALLOC, a);

    *id = err ? 0 : a->hwpt_id;
    return err;
}

static int alloc_table(Scene *s)
{
    IofHwptAlloc a = want_hwpt(s->dev, s->w->ioas, IOF_HWPT_PASID);

    return alloc(s, &a, &s->table);
}

static int alloc_parent(Scene *s)
{
    IofHwptAlloc a = want_hwpt(s->dev, s->w->ioas, IOF_HWPT_NEST_PARENT);

    return alloc(s, &a, &s->parent);
}

static int replace_table(Scene *s)
{
    uint32_t pt = s->table;

    return im_iommufd_replace(s->w->file, s->dev, NO_PASID, &pt);
}

static int alloc_fault(Scene *s)
{
    IofFaultAlloc a = { 0 };
    int err = CMD(s->w, IOF_NR_FAULT_QUEUE_ALLOC, &a);

    s->fault = a.fault_id;
    return err;
}

static int alloc_viommu(Scene *s)
{
    IofViommuAlloc a = { .type = IOF_VIOMMU_SMMUV3,
                         .dev_id = s->dev,
                         .hwpt_id = s->parent };
    int err = CMD(s->w, IOF_NR_VIOMMU_ALLOC, &a);

    s->viommu = a.viommu_id;
    return err;
}

static int alloc_vdevice(Scene *s)
{
    IofVdeviceAlloc a = { .viommu_id = s->viommu,
                          .dev_id = s->dev,
                          .virt_id = STREAM };
    int err = CMD(s->w, IOF_NR_VDEVICE_ALLOC, &a);

    s->vdevice = a.vdevice_id;
    return err;
}

static int alloc_nested(Scene *s)
{
    static const IofSmmuSte ste = {
        { GUINT64_TO_LE(1 | 5 << 1 | ROOT | UINT64_C(2) << 59),
          GUINT64_TO_LE(2 | UINT64_C(1) << 28) },
    };
    IofHwptAlloc a = want_hwpt(s->dev, s->viommu, IOF_HWPT_FAULT);

    a.data_type = IOF_DATA_ARM_SMMUV3;
    a.data_len = sizeof(ste);
    a.data = fake_addr(&ste);
    a.fault_id = s->fault;
    return alloc(s, &a, &s->nested);
}

static int alloc_veventq(Scene *s)
{
    IofVeventqAlloc a = { .viommu_id = s->viommu,
                          .type = IOF_VEVENTQ_SMMUV3,
                          .depth = 4 };
    int err = CMD(s->w, IOF_NR_VEVENTQ_ALLOC, &a);

    s->vq = a.veventq_id;
    return err;
}

static int attach_pasid(Scene *s)
{
    uint32_t pt = s->table;

    return im_iommufd_attach(s->w->file, s->dev, 5, &pt);
}

static int replace_pasid(Scene *s)
{
    IofHwptAlloc a = want_hwpt(s->dev, s->ioas2, IOF_HWPT_PASID);
    uint32_t pt;
    int err = alloc(s, &a, &pt);

    if (!err) {
        err = im_iommufd_replace(s->w->file, s->dev, 5, &pt);
    }
    return err;
}

static int detach_pasid(Scene *s)
{
    im_iommufd_detach(s->w->file, s->dev, 5);
    return 0;
}

static int attach_nested(Scene *s)
{
    uint32_t pt = s->nested;

    return im_iommufd_replace(s->w->file, s->dev, NO_PASID, &pt);
}

static int invalidate(Scene *s)
{
    uint64_t cmd[2] = { GUINT64_TO_LE(0x10), 0 };
    IofInvalidate a = { .hwpt_id = s->viommu,
                        .data = fake_addr(cmd),
                        .data_type = IOF_INV_SMMUV3,
                        .entry_len = 16,
                        .entry_num = 1 };

    return CMD(s->w, IOF_NR_HWPT_INVALIDATE, &a);
}

static int ask_and_read(Scene *s)
{
    ImPageReq req = { .addr = 0x5000,
                      .rid = FUNC + 1,
                      .prgi = 1,
                      .has_pasid = true,
                      .pasid = 3,
                      .read = true,
                      .last = true };
    ImIommufdQueue *q = g_ptr_array_index(s->w->h->queues, 0);
    IofFaultRecord r;
    int64_t n;

    if (!(im_iommufd_queue_poll(q) & IM_IOMMUFD_POLLIN)) {
        im_ioasid_page_request(im_iommufd_backend(s->w->h->f), &req);
    }
    n = im_iommufd_queue_read(q, &s->w->caller, fake_addr(&r), sizeof(r), 0);
    return n == sizeof(r) ? 0 : n ? (int)n : -ENOMEM;
}

static int look_up(Scene *s)
{
    uint64_t pa;

    return im_iommufd_hwpt_lookup(s->w->file, s->table, 0x3000, true, &pa);
}

static int get_info(Scene *s)
{
    IofHwInfo a = { .dev_id = s->dev };

    return CMD(s->w, IOF_NR_GET_HW_INFO, &a);
}

/* clang-format off */
static Step *const steps[] = {
    bind_second, attach_ioas, get_info, replace_ioas, alloc_table,
    replace_table, look_up, attach_pasid, replace_pasid, detach_pasid,
    alloc_parent, alloc_fault, alloc_viommu, alloc_vdevice, alloc_nested,
    alloc_veventq, attach_nested, invalidate, ask_and_read,
};
/* clang-format on */

static Scene begin(void)
{
    Scene s = { .w = world_new(&im_iommufd_smmuv3) };
    ImIommufdDevice dev = device(&im_iommufd_smmuv3, FUNC + 1);

    RC(im_iommufd_device_add(s.w->h->f, &dev), 0);
    s.ioas2 = fake_ioas(s.w->file, &s.w->caller);
    return s;
}

static void end(Scene *s)
{
    fake_check(s->w->h);
    im_iommufd_unbind(s->w->file, s->dev);
    for (guint i = 0; i < s->w->h->queues->len; i++) {
        im_iommufd_queue_close(g_ptr_array_index(s->w->h->queues, i));
    }
    world_free(s->w);
}

/* All steps, of which the n-th allocation of one fails. */
static bool run(unsigned step, int nth)
{
    Scene s = begin();
    bool failed = false;

    for (unsigned i = 0; i < G_N_ELEMENTS(steps); i++) {
        int err;

        s.w->h->failed = false;
        s.w->h->fail_in = i == step ? nth : 0;
        err = steps[i](&s);
        s.w->h->fail_in = 0;
        if (s.w->h->failed) {
            failed = true;
            if (err) {
                RC(err, -ENOMEM);
                fake_check(s.w->h);
                RC(steps[i](&s), 0);
            }
        } else {
            RC(err, 0);
        }
    }
    end(&s);
    return failed;
}

static void test_fail_nth(gconstpointer data)
{
    unsigned step = GPOINTER_TO_UINT(data);
    int n = 1;

    while (run(step, n)) {
        n++;
    }
    g_assert_cmpint(n, <, 200);
}

/* So is making a device, and an instance's first file. */
static void test_device_add(void)
{
    static const ImuRange range = { 0xfee00000, 0xfeefffff };
    World *w = world_new(&im_iommufd_vtd);
    ImIommufdDevice dev = device(&im_iommufd_vtd, FUNC + 1);
    int n = 0;
    int err;

    dev.backend.reserved = &range;
    dev.backend.reserved_count = 1;
    do {
        w->h->fail_in = ++n;
        err = im_iommufd_device_add(w->h->f, &dev);
        w->h->fail_in = 0;
        g_assert_true(!err || err == -ENOMEM);
    } while (err);
    g_assert_cmpint(n, >, 2);
    RC(im_iommufd_device_add(w->h->f, &dev), -EEXIST);
    world_free(w);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_autofree char *name = g_strdup_printf("/iommufd/dev-fail-nth/%02u",
                                                i);

        g_test_add_data_func(name, GUINT_TO_POINTER(i), test_fail_nth);
    }
    g_test_add_func("/iommufd/dev-fail-nth/device-add", test_device_add);
    return g_test_run();
}

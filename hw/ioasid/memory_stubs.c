/*
 * What the memory half does not have yet; it deletes this file.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/ioasid/ioasid.h"

#include <errno.h>

#define STUB(name) \
    int im_ioasid_cmd_##name(ImIoasidCtx *c, void *a) \
    { (void)c; (void)a; return -EOPNOTSUPP; }

STUB(SPACE_CREATE) STUB(SPACE_DESTROY) STUB(MAP) STUB(UNMAP) STUB(COPY)
STUB(ALLOW) STUB(RANGES) STUB(DIRTY_SET) STUB(DIRTY_GET) STUB(INVALIDATE)
STUB(FENCE)

int im_ioasid_space_fits(const IoSpace *space, const IoDev *dev,
                         const IoPasid *pasid)
{ (void)space; (void)dev; (void)pasid; return 0; }
void im_ioasid_bind_changed(ImIoasid *h, IoBind *b, const IoSpace *old,
                            IoPasid *p)
{ (void)h; (void)b; (void)old; (void)p; }
void im_ioasid_bind_freed(ImIoasid *h, IoBind *b) { (void)h; (void)b; }
void im_ioasid_dev_forgets(ImIoasid *h, IoHostDev *dev)
{ (void)h; (void)dev; }
void im_ioasid_space_free(ImIoasidCtx *c, IoSpace *space)
{ (void)c; (void)space; }
IoCaches *im_ioasid_caches_new(ImIoasid *h) { return im_ioasid_alloc(h, 8); }
void im_ioasid_caches_free(ImIoasid *h, IoCaches *c)
{ im_ioasid_release(h, c, 8); }
IoFences *im_ioasid_fences_new(ImIoasid *h) { return im_ioasid_alloc(h, 8); }
void im_ioasid_fences_free(ImIoasid *h, IoFences *f)
{ im_ioasid_release(h, f, 8); }
void im_ioasid_fences_forget(ImIoasid *h, IoSet *set)
{ (void)h; (void)set; }
uint64_t im_ioasid_fence_deadline(const ImIoasid *h)
{ (void)h; return IM_NEVER; }
void im_ioasid_fence_due(ImIoasid *h, uint64_t now) { (void)h; (void)now; }
void im_ioasid_space_dump(const IoSpace *space, GString *out)
{ (void)space; (void)out; }
char *im_ioasid_space_check(const ImIoasid *h, const IoSpace *space)
{ (void)h; (void)space; return NULL; }

ImXlat im_ioasid_translate(ImIoasid *h, const ImTxn *txn)
{
    (void)h; (void)txn;
    return (ImXlat) { .status = IM_FAULT, .cpl = IM_CPL_UR };
}
void im_ioasid_ats_inv_done(ImIoasid *h, uint32_t func, uint32_t itags)
{ (void)h; (void)func; (void)itags; }
void im_ioasid_cancel(ImIoasid *h, uint64_t handle) { (void)h; (void)handle; }
ImXlat im_ioasid_explain(ImIoasid *h, const ImTxn *txn, ImStepFn *fn,
                         void *opaque)
{ (void)fn; (void)opaque; return im_ioasid_translate(h, txn); }
const char *im_ioasid_fault_name(uint8_t reason, const char **text)
{ (void)reason; if (text) { *text = NULL; } return "?"; }

/*
 * The ATS side of the oracle: 3.9.1, 13.6 and 13.7.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/smmu_oracle_int.h"

enum { EATS_OFF, EATS_FULL, EATS_SPLIT };
enum { INSTCFG_DATA = 2, INSTCFG_INST };

/* 5.2: what is not 01 or 10 is 00, and so is 10 without ATSCHK. */
static unsigned effective_eats(const Walk *k)
{
    unsigned eats = (unsigned)so_get(k->ste, STE_EATS);

    if (!k->c->ats || !(k->s1 || k->s2) || eats > EATS_SPLIT ||
        (eats == EATS_SPLIT && !(k->w->cr0 & CR0_ATSCHK))) {
        return EATS_OFF;
    }
    return eats;
}

static unsigned instcfg(const Walk *k)
{
    return k->c->attr_perms_ovr ? (unsigned)so_get(k->ste, STE_INSTCFG) : 0;
}

void so_ats_pass(Walk *k)
{
    if (k->t->addr >> k->c->oas) {      /* 3.9.1.1, the first way */
        so_stop(k, 0);
        k->a->record = false;
        return;
    }
    k->a->end = SO_OK;
    k->a->addr = k->t->addr;
    so_attr(k);
}

bool so_ats_gate(Walk *k)
{
    unsigned eats = effective_eats(k);

    if (k->t->at == IM_AT_UNTRANSLATED) {
        return true;
    }
    if (eats == EATS_OFF) {
        so_stop(k, k->ats ? EV_BAD_ATS_TREQ : EV_TRANSL_FORBIDDEN);
        return false;
    }
    k->split = eats == EATS_SPLIT;
    if (k->ats) {
        return true;
    }
    if (k->split) {
        so_translate_ipa(k);
    } else {
        so_ats_pass(k);
    }
    return false;
}

bool so_ats_worth(const Walk *k, const Perm *p)
{
    return (instcfg(k) == INSTCFG_INST ? p->x : p->r) ||
           (!k->t->no_write && p->w);
}

static void nothing(SoAnswer *a)
{
    a->end = SO_OK;
    a->record = a->r = a->w = a->x = false;
    a->code = 0;
}

/* 13.7.1. W is granted with NW=0 only, which it may; but 13.6.4 demands it
 * of a stage 1 that is skipped with nothing behind it. */
static void completion(const Walk *k)
{
    SoAnswer *a = k->a;
    bool r = a->r, x = a->x;
    bool exe = k->t->has_pasid && k->t->exec;
    bool identity = !k->s2 && !(k->cd[0] >> 31 & 1);

    switch (instcfg(k)) {
    case INSTCFG_INST:
        a->r = x;
        a->x = exe && x;
        break;
    case INSTCFG_DATA:
        a->x = exe && r;
        break;
    default:
        a->x = exe && r && x;
    }
    a->w = identity || (a->w && !k->t->no_write);
}

/* 6.3.12: RES0 without ATSRECERR. */
static bool rec_cfg_ats(const Walk *k)
{
    return k->c->ats_rec_err && k->w->cr2 & CR2_REC_CFG_ATS;
}

/* 3.9.1.2 */
static void translation(Walk *k)
{
    SoAnswer *a = k->a;
    bool rec = rec_cfg_ats(k);

    if (a->end == SO_OK) {
        completion(k);
        return;
    }
    switch (a->code) {
    case 0:                             /* Config 000 */
    case EV_BAD_ATS_TREQ:
        return;
    case EV_BAD_STREAMID:
        a->record = rec && k->w->cr2 & CR2_RECINVSID;
        break;
    case EV_TRANSLATION:
    case EV_ADDR_SIZE:
    case EV_ACCESS:
    case EV_PERMISSION:
        nothing(a);
        return;
    default:
        a->record = rec;
    }
    a->end = SO_ABORT;
    a->cpl = IM_CPL_CA;
}

void so_ats_finish(Walk *k)
{
    SoAnswer *a = k->a;

    if (k->ats) {
        translation(k);
        return;
    }
    if (k->t->at == IM_AT_TRANSLATED &&
        (a->code == EV_BAD_STREAMID || a->code == EV_STE_FETCH ||
         a->code == EV_BAD_STE)) {
        a->record = rec_cfg_ats(k);     /* 3.9.1.3 */
    }
}

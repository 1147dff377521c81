// SPDX-License-Identifier: GPL-2.0
/*
 * Address spaces of an open file: of the processes that it is bound to, and
 * domains of its own with what is mapped in them.
 */
#include <linux/delay.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "device.h"

/* An address space of this file: a process's, or one of its own. */
struct space {
	struct list_head node;
	u32 pasid;
	struct mm_struct *mm; /* identity only, never followed */
	struct iommu_sva *bond;
	struct iommu_domain *domain;
	struct list_head maps;
};

struct mapping {
	struct list_head node;
	u64 iova;
	unsigned long npages;
	struct page **pages;
};

static struct space *space_of_pasid(struct pep_file *f, u32 pasid)
{
	struct space *s;

	list_for_each_entry(s, &f->spaces, node)
	{
		if (s->pasid == pasid)
			return s;
	}
	return NULL;
}

static struct space *space_of_mm(struct pep_file *f, struct mm_struct *mm)
{
	struct space *s;

	list_for_each_entry(s, &f->spaces, node)
	{
		if (s->bond && s->mm == mm)
			return s;
	}
	return NULL;
}

static void mapping_free(struct space *s, struct mapping *m, bool unmap)
{
	if (unmap)
		iommu_unmap(s->domain, m->iova, m->npages << PAGE_SHIFT);
	unpin_user_pages_dirty_lock(m->pages, m->npages, true);
	kvfree(m->pages);
	list_del(&m->node);
	kfree(m);
}

static bool drained(struct pep_dev *d)
{
	u64 status = reg_read(d, PASID_EP_STATUS);

	return (!PASID_EP_GET(status, PASID_EP_STATUS_OUTSTANDING) ||
		status & PASID_EP_STATUS_HELD) &&
	       reg_read(d, PASID_EP_STAT_DMA_PARKED) ==
		       reg_read(d, PASID_EP_STAT_DMA_UNPARKED);
}

/*
 * Wait until the page requests are answered. Unbinding drains them, but not
 * in Linux 7.3 when the process is gone: intel_pasid_tear_down_entry() finds
 * neither P nor FPD and returns early, groups still in the fault work queue
 * are answered twice, and freed twice. And stalls are never drained by its
 * arm-smmu-v3: their domain would be freed under them. Others' requests count
 * here too and go on and on: hence the limit. Held responses (injection) have
 * been sent.
 */
static void drain(struct pep_dev *d)
{
	unsigned long end = jiffies + HZ;

	while (!drained(d) && time_before(jiffies, end))
		usleep_range(50, 100);
}

/* Nothing of this PASID leaves the function any more, then it is let go. */
static void space_free(struct pep_file *f, struct space *s)
{
	struct mapping *m, *next;

	pep_command(f->dev, PASID_EP_CMD_STOP_PASID, s->pasid);
	drain(f->dev);
	if (s->bond) {
		iommu_sva_unbind_device(s->bond);
		mmdrop(s->mm);
	} else {
		iommu_detach_device_pasid(s->domain, &f->dev->pdev->dev,
					  s->pasid);
		iommu_free_global_pasid(s->pasid);
		list_for_each_entry_safe(m, next, &s->maps, node)
			mapping_free(s, m, true);
		iommu_domain_free(s->domain);
	}
	list_del(&s->node);
	kfree(s);
}

static struct space *space_new(void)
{
	struct space *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (s)
		INIT_LIST_HEAD(&s->maps);
	return s;
}

long pep_bind(struct pep_file *f, u32 __user *arg)
{
	struct space *s = space_of_mm(f, current->mm);

	if (!s) {
		s = space_new();
		if (!s)
			return -ENOMEM;
		s->bond = iommu_sva_bind_device(&f->dev->pdev->dev,
						current->mm);
		if (IS_ERR(s->bond)) {
			long err = PTR_ERR(s->bond);

			kfree(s);
			return err;
		}
		s->mm = current->mm;
		mmgrab(s->mm);
		s->pasid = iommu_sva_get_pasid(s->bond);
		list_add(&s->node, &f->spaces);
	}
	return put_user(s->pasid, arg);
}

long pep_unbind(struct pep_file *f)
{
	struct space *s = space_of_mm(f, current->mm);

	if (!s)
		return -ENOENT;
	space_free(f, s);
	return 0;
}

long pep_domain_new(struct pep_file *f, u32 __user *arg)
{
	struct device *dev = &f->dev->pdev->dev;
	struct space *s = space_new();
	long err;

	if (!s)
		return -ENOMEM;
	s->domain = iommu_paging_domain_alloc(dev);
	if (IS_ERR(s->domain)) {
		err = PTR_ERR(s->domain);
		goto free_space;
	}
	s->pasid = iommu_alloc_global_pasid(dev);
	if (s->pasid == IOMMU_PASID_INVALID) {
		err = -ENOSPC;
		goto free_domain;
	}
	err = iommu_attach_device_pasid(s->domain, dev, s->pasid, NULL);
	if (err)
		goto free_pasid;
	list_add(&s->node, &f->spaces);
	return put_user(s->pasid, arg);

free_pasid:
	iommu_free_global_pasid(s->pasid);
free_domain:
	iommu_domain_free(s->domain);
free_space:
	kfree(s);
	return err;
}

long pep_domain_free(struct pep_file *f, u32 __user *arg)
{
	struct space *s;
	u32 pasid;

	if (get_user(pasid, arg))
		return -EFAULT;
	s = space_of_pasid(f, pasid);
	if (!s || s->bond)
		return -ENOENT;
	space_free(f, s);
	return 0;
}

long pep_map(struct pep_file *f, void __user *arg)
{
	struct pep_map req;
	struct mapping *m;
	struct space *s;
	unsigned long i;
	int prot = 0, got;
	long err;

	if (copy_from_user(&req, arg, sizeof(req)))
		return -EFAULT;
	s = space_of_pasid(f, req.pasid);
	if (!s || s->bond)
		return -ENOENT;
	if (!req.len || (req.addr | req.iova | req.len) & ~PAGE_MASK ||
	    req.len > SZ_64M)
		return -EINVAL;
	prot |= req.prot & 1 ? IOMMU_READ : 0;
	prot |= req.prot & 2 ? IOMMU_WRITE : 0;
	m = kzalloc(sizeof(*m), GFP_KERNEL);
	if (!m)
		return -ENOMEM;
	m->iova = req.iova;
	m->npages = req.len >> PAGE_SHIFT;
	m->pages = kvcalloc(m->npages, sizeof(*m->pages), GFP_KERNEL);
	if (!m->pages) {
		err = -ENOMEM;
		goto free;
	}
	got = pin_user_pages_fast(req.addr, m->npages,
				  FOLL_LONGTERM | FOLL_WRITE, m->pages);
	if (got != m->npages) {
		err = got < 0 ? got : -EFAULT;
		goto unpin;
	}
	for (i = 0; i < m->npages; i++) {
		err = iommu_map(s->domain, req.iova + (i << PAGE_SHIFT),
				page_to_phys(m->pages[i]), PAGE_SIZE, prot,
				GFP_KERNEL);
		if (err) {
			if (i)
				iommu_unmap(s->domain, req.iova,
					    i << PAGE_SHIFT);
			goto unpin;
		}
	}
	list_add(&m->node, &s->maps);
	return 0;

unpin:
	if (got > 0)
		unpin_user_pages(m->pages, got);
free:
	kvfree(m->pages);
	kfree(m);
	return err;
}

long pep_unmap(struct pep_file *f, void __user *arg)
{
	struct mapping *m;
	struct pep_map req;
	struct space *s;

	if (copy_from_user(&req, arg, sizeof(req)))
		return -EFAULT;
	s = space_of_pasid(f, req.pasid);
	if (!s || s->bond)
		return -ENOENT;
	list_for_each_entry(m, &s->maps, node)
	{
		if (m->iova == req.iova) {
			mapping_free(s, m, true);
			return 0;
		}
	}
	return -ENOENT;
}

bool pep_has_pasid(struct pep_file *f, u32 pasid)
{
	return space_of_pasid(f, pasid);
}

u32 pep_pasid_of_caller(struct pep_file *f)
{
	struct space *s = space_of_mm(f, current->mm);

	return s ? s->pasid : 0;
}

void pep_free_spaces(struct pep_file *f)
{
	struct space *s, *next;

	list_for_each_entry_safe(s, next, &f->spaces, node) space_free(f, s);
}

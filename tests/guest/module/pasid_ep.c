// SPDX-License-Identifier: GPL-2.0
/*
 * Guest driver for the pasid-endpoint function: what uio_pci_generic_sva
 * cannot do. Several processes on one device, several PASIDs in one file
 * (bonds of forked children, paging domains), jobs on behalf of others,
 * completion by MSI-X, and a release that is safe with DMA in flight.
 */
#include <linux/cdev.h>
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/interrupt.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "im/spec/pasid_ep_uapi.h"
#include "pasid_ep.h"

#define MAX_CHANNELS PASID_EP_CHANNELS_MAX

struct channel {
	struct pep_file *owner;
	wait_queue_head_t wait;
	atomic_t interrupts;
	unsigned int expect;		/* interrupts when the job is done */
	unsigned int before;
};

struct pep_dev {
	struct pci_dev *pdev;
	struct miscdevice misc;
	char name[16];
	void __iomem *regs;
	unsigned int channels;
	int vectors;
	struct mutex lock;		/* channels' owners, COMMAND/ARG, raw */
	struct channel ch[MAX_CHANNELS];
};

/* An address space of this file: a process's, or one of its own. */
struct space {
	struct list_head node;
	u32 pasid;
	struct mm_struct *mm;		/* identity only, never followed */
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

struct pep_file {
	struct pep_dev *dev;
	struct mutex lock;
	struct list_head spaces;
};

static u64 reg_read(struct pep_dev *d, unsigned int off)
{
	return readq(d->regs + off);
}

static void reg_write(struct pep_dev *d, unsigned int off, u64 val)
{
	writeq(val, d->regs + off);
}

static bool channel_idle(struct pep_dev *d, unsigned int n)
{
	return reg_read(d, PASID_EP_CH(n, PASID_EP_CH_LAUNCHED)) ==
	       reg_read(d, PASID_EP_CH(n, PASID_EP_CH_RETURNED));
}

static bool job_done(struct channel *ch)
{
	return (int)(atomic_read(&ch->interrupts) - ch->expect) >= 0;
}

/*
 * Stop a channel; STOP takes effect at once. The last job's interrupt may
 * still be on its way: the channel's next owner must not take it for its own.
 */
static void channel_stop(struct pep_dev *d, unsigned int n)
{
	reg_write(d, PASID_EP_CH(n, PASID_EP_CH_COMMAND), PASID_EP_CH_CMD_STOP);
	if (!channel_idle(d, n))
		pci_err(d->pdev, "channel %u runs on after STOP\n", n);
	if (!wait_event_timeout(d->ch[n].wait, job_done(&d->ch[n]), HZ))
		pci_err(d->pdev, "channel %u: an interrupt was lost\n", n);
	reg_write(d, PASID_EP_CH(n, PASID_EP_CH_INTR), 0);
}

static void command(struct pep_dev *d, u64 cmd, u64 arg)
{
	mutex_lock(&d->lock);
	reg_write(d, PASID_EP_ARG, arg);
	reg_write(d, PASID_EP_COMMAND, cmd);
	mutex_unlock(&d->lock);
}

static irqreturn_t channel_interrupt(int irq, void *data)
{
	struct channel *ch = data;

	atomic_inc(&ch->interrupts);
	wake_up_all(&ch->wait);
	return IRQ_HANDLED;
}

static irqreturn_t event_interrupt(int irq, void *data)
{
	return IRQ_HANDLED;
}

/* --- spaces ------------------------------------------------------------ */

static struct space *space_of_pasid(struct pep_file *f, u32 pasid)
{
	struct space *s;

	list_for_each_entry(s, &f->spaces, node) {
		if (s->pasid == pasid)
			return s;
	}
	return NULL;
}

static struct space *space_of_mm(struct pep_file *f, struct mm_struct *mm)
{
	struct space *s;

	list_for_each_entry(s, &f->spaces, node) {
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

	command(f->dev, PASID_EP_CMD_STOP_PASID, s->pasid);
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

static long do_bind(struct pep_file *f, u32 __user *arg)
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

static long do_unbind(struct pep_file *f)
{
	struct space *s = space_of_mm(f, current->mm);

	if (!s)
		return -ENOENT;
	space_free(f, s);
	return 0;
}

static long do_domain_new(struct pep_file *f, u32 __user *arg)
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

static long do_domain_free(struct pep_file *f, u32 __user *arg)
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

static long do_map(struct pep_file *f, void __user *arg)
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

static long do_unmap(struct pep_file *f, void __user *arg)
{
	struct mapping *m;
	struct pep_map req;
	struct space *s;

	if (copy_from_user(&req, arg, sizeof(req)))
		return -EFAULT;
	s = space_of_pasid(f, req.pasid);
	if (!s || s->bond)
		return -ENOENT;
	list_for_each_entry(m, &s->maps, node) {
		if (m->iova == req.iova) {
			mapping_free(s, m, true);
			return 0;
		}
	}
	return -ENOENT;
}

/* --- channels and jobs ------------------------------------------------- */

static bool owns(struct pep_file *f, u32 n)
{
	return n < f->dev->channels && f->dev->ch[n].owner == f;
}

static long do_channel_get(struct pep_file *f, u32 __user *arg)
{
	struct pep_dev *d = f->dev;
	u32 n;

	mutex_lock(&d->lock);
	for (n = 0; n < d->channels; n++) {
		if (!d->ch[n].owner) {
			d->ch[n].owner = f;
			break;
		}
	}
	mutex_unlock(&d->lock);
	if (n == d->channels)
		return -EBUSY;
	return put_user(n, arg);
}

static void channel_put(struct pep_dev *d, u32 n)
{
	channel_stop(d, n);
	mutex_lock(&d->lock);
	d->ch[n].owner = NULL;
	mutex_unlock(&d->lock);
}

static long do_channel_put(struct pep_file *f, u32 __user *arg)
{
	u32 n;

	if (get_user(n, arg))
		return -EFAULT;
	if (!owns(f, n))
		return -EPERM;
	channel_put(f->dev, n);
	return 0;
}

static long do_submit(struct pep_file *f, void __user *arg)
{
	struct pep_dev *d = f->dev;
	struct pep_job job;
	struct channel *ch;
	unsigned int base;
	u64 ctrl;

	if (copy_from_user(&job, arg, sizeof(job)))
		return -EFAULT;
	if (!owns(f, job.channel))
		return -EPERM;
	if (job.pasid && !space_of_pasid(f, job.pasid))
		return -EPERM;
	if (!channel_idle(d, job.channel))
		return -EBUSY;
	ch = &d->ch[job.channel];
	base = PASID_EP_CH(job.channel, 0);
	ctrl = job.ctrl & ~PASID_EP_CH_CTRL_PASID;
	if (job.pasid)
		ctrl |= PASID_EP_CH_CTRL_PASID;
	reg_write(d, base + PASID_EP_CH_CTRL, ctrl);
	reg_write(d, base + PASID_EP_CH_PASID, job.pasid);
	reg_write(d, base + PASID_EP_CH_ADDR, job.addr);
	reg_write(d, base + PASID_EP_CH_ADDR2, job.addr2);
	reg_write(d, base + PASID_EP_CH_LEN, job.len);
	reg_write(d, base + PASID_EP_CH_SEED, job.seed);
	reg_write(d, base + PASID_EP_CH_SPLIT, job.split);
	reg_write(d, base + PASID_EP_CH_GROUP, job.group ? job.group : 8);
	reg_write(d, base + PASID_EP_CH_RETRIES,
		  job.retries ? job.retries : 8);
	reg_write(d, base + PASID_EP_CH_INTR,
		  PASID_EP_CH_INTR_ENABLE | (job.channel + 1));
	ch->before = atomic_read(&ch->interrupts);
	ch->expect = ch->before + 1;
	reg_write(d, base + PASID_EP_CH_COMMAND, PASID_EP_CH_CMD_START);
	return 0;
}

static long do_wait(struct pep_file *f, void __user *arg)
{
	struct pep_dev *d = f->dev;
	struct pep_result r;
	struct channel *ch;
	unsigned int base;
	long left;

	if (copy_from_user(&r, arg, sizeof(r)))
		return -EFAULT;
	if (!owns(f, r.channel))
		return -EPERM;
	ch = &d->ch[r.channel];
	left = wait_event_interruptible_timeout(ch->wait, job_done(ch),
			msecs_to_jiffies(r.timeout_ms));
	if (left < 0)
		return left;
	base = PASID_EP_CH(r.channel, 0);
	r.interrupts = atomic_read(&ch->interrupts) - ch->before;
	r.finished = channel_idle(d, r.channel);
	r.status = reg_read(d, base + PASID_EP_CH_STATUS);
	r.done = reg_read(d, base + PASID_EP_CH_DONE);
	r.bad_addr = reg_read(d, base + PASID_EP_CH_BADADDR);
	r.crc = reg_read(d, base + PASID_EP_CH_CRC);
	r.compare = reg_read(d, base + PASID_EP_CH_COMPARE);
	r.requests = reg_read(d, base + PASID_EP_CH_REQUESTS);
	r.page_requests = reg_read(d, base + PASID_EP_CH_PAGE_REQUESTS);
	r.parked = reg_read(d, base + PASID_EP_CH_PARKED);
	if (copy_to_user(arg, &r, sizeof(r)))
		return -EFAULT;
	return left ? 0 : -ETIME;
}

/* One page request by hand, and its response. */
static long do_raw_page(struct pep_file *f, void __user *arg)
{
	struct pep_dev *d = f->dev;
	struct pep_raw_page r;
	unsigned long end;
	u64 before;

	if (copy_from_user(&r, arg, sizeof(r)))
		return -EFAULT;
	mutex_lock(&d->lock);
	before = reg_read(d, PASID_EP_PR_RESP_COUNT);
	reg_write(d, PASID_EP_PR_ADDR, r.addr);
	reg_write(d, PASID_EP_PR_CTRL, r.ctrl);
	reg_write(d, PASID_EP_PR_PASID, r.pasid);
	reg_write(d, PASID_EP_PR_GO, 1);
	r.status = reg_read(d, PASID_EP_PR_STATUS);
	r.response = 0;
	end = jiffies + msecs_to_jiffies(r.timeout_ms);
	while (PASID_EP_GET(r.status, PASID_EP_PR_STATUS_STATE) ==
	       PASID_EP_RAW_SENT && time_before(jiffies, end)) {
		if (reg_read(d, PASID_EP_PR_RESP_COUNT) != before) {
			r.response = reg_read(d, PASID_EP_PR_RESP);
			break;
		}
		usleep_range(50, 100);
	}
	mutex_unlock(&d->lock);
	return copy_to_user(arg, &r, sizeof(r)) ? -EFAULT : 0;
}

/* --- file operations --------------------------------------------------- */

static long do_info(struct pep_file *f, void __user *arg)
{
	struct pep_dev *d = f->dev;
	struct space *s = space_of_mm(f, current->mm);
	struct pep_info info = {
		.channels = d->channels,
		.vectors = d->vectors,
		.pasid = s ? s->pasid : 0,
		.rid = pci_dev_id(d->pdev),
		.buffer_size = reg_read(d, PASID_EP_BUFFER_SIZE),
	};

	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static long do_stats(struct pep_file *f, void __user *arg)
{
	struct pep_stats stats;
	int i;

	for (i = 0; i < PEP_STATS_WORDS; i++)
		stats.word[i] = reg_read(f->dev, PASID_EP_STATS + 8 * i);
	return copy_to_user(arg, &stats, sizeof(stats)) ? -EFAULT : 0;
}

static long do_command(struct pep_file *f, void __user *arg)
{
	u64 words[2];

	if (copy_from_user(words, arg, sizeof(words)))
		return -EFAULT;
	command(f->dev, words[0], words[1]);
	return 0;
}

static long pep_ioctl(struct file *file, unsigned int cmd, unsigned long p)
{
	struct pep_file *f = file->private_data;
	void __user *arg = (void __user *)p;
	long ret;

	/* Waiting holds no lock: others of this file go on submitting. */
	if (cmd == PEP_WAIT)
		return do_wait(f, arg);
	mutex_lock(&f->lock);
	switch (cmd) {
	case PEP_INFO:
		ret = do_info(f, arg);
		break;
	case PEP_BIND:
		ret = do_bind(f, arg);
		break;
	case PEP_UNBIND:
		ret = do_unbind(f);
		break;
	case PEP_CHANNEL_GET:
		ret = do_channel_get(f, arg);
		break;
	case PEP_CHANNEL_PUT:
		ret = do_channel_put(f, arg);
		break;
	case PEP_SUBMIT:
		ret = do_submit(f, arg);
		break;
	case PEP_STATS:
		ret = do_stats(f, arg);
		break;
	case PEP_DOMAIN_NEW:
		ret = do_domain_new(f, arg);
		break;
	case PEP_DOMAIN_FREE:
		ret = do_domain_free(f, arg);
		break;
	case PEP_DOMAIN_MAP:
		ret = do_map(f, arg);
		break;
	case PEP_DOMAIN_UNMAP:
		ret = do_unmap(f, arg);
		break;
	case PEP_COMMAND:
		ret = do_command(f, arg);
		break;
	case PEP_RAW_PAGE:
		ret = do_raw_page(f, arg);
		break;
	default:
		ret = -ENOTTY;
	}
	mutex_unlock(&f->lock);
	return ret;
}

static int pep_open(struct inode *inode, struct file *file)
{
	struct miscdevice *misc = file->private_data;
	struct pep_file *f = kzalloc(sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	f->dev = container_of(misc, struct pep_dev, misc);
	mutex_init(&f->lock);
	INIT_LIST_HEAD(&f->spaces);
	file->private_data = f;
	return 0;
}

/* The owner may have been killed with DMA in flight: channels first. */
static int pep_release(struct inode *inode, struct file *file)
{
	struct pep_file *f = file->private_data;
	struct pep_dev *d = f->dev;
	struct space *s, *next;
	u32 n;

	for (n = 0; n < d->channels; n++) {
		if (owns(f, n))
			channel_put(d, n);
	}
	list_for_each_entry_safe(s, next, &f->spaces, node)
		space_free(f, s);
	kfree(f);
	return 0;
}

static int pep_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct pep_file *f = file->private_data;
	unsigned int bar = vma->vm_pgoff >> (32 - PAGE_SHIFT);

	if (bar != 0 && bar != 2)
		return -EINVAL;
	vma->vm_pgoff &= (1ul << (32 - PAGE_SHIFT)) - 1;
	vma->vm_page_prot = pgprot_noncached(vma->vm_page_prot);
	return vm_iomap_memory(vma, pci_resource_start(f->dev->pdev, bar),
			       pci_resource_len(f->dev->pdev, bar));
}

static const struct file_operations pep_fops = {
	.owner = THIS_MODULE,
	.open = pep_open,
	.release = pep_release,
	.unlocked_ioctl = pep_ioctl,
	.mmap = pep_mmap,
};

/* --- PCI --------------------------------------------------------------- */

static int request_vectors(struct pep_dev *d)
{
	unsigned int n;
	int err;

	d->vectors = pci_alloc_irq_vectors(d->pdev, d->channels + 1,
					   d->channels + 1, PCI_IRQ_MSIX);
	if (d->vectors < 0)
		return d->vectors;
	err = devm_request_irq(&d->pdev->dev, pci_irq_vector(d->pdev, 0),
			       event_interrupt, 0, d->name, d);
	for (n = 0; !err && n < d->channels; n++)
		err = devm_request_irq(&d->pdev->dev,
				       pci_irq_vector(d->pdev, n + 1),
				       channel_interrupt, 0, d->name,
				       &d->ch[n]);
	return err;
}

static int pep_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	static atomic_t next = ATOMIC_INIT(0);
	struct pep_dev *d;
	dma_addr_t unused;
	unsigned int n;
	int err;

	err = pcim_enable_device(pdev);
	if (err)
		return err;
	d = devm_kzalloc(&pdev->dev, sizeof(*d), GFP_KERNEL);
	if (!d)
		return -ENOMEM;
	d->pdev = pdev;
	mutex_init(&d->lock);
	d->regs = pcim_iomap(pdev, 0, PASID_EP_BAR0_SIZE);
	if (!d->regs)
		return -ENOMEM;
	if (reg_read(d, PASID_EP_MAGIC) != PASID_EP_MAGIC_VALUE ||
	    PASID_EP_GET(reg_read(d, PASID_EP_REVISION),
			 PASID_EP_REVISION_MAJOR) !=
	    PASID_EP_GET(PASID_EP_REVISION_VALUE, PASID_EP_REVISION_MAJOR)) {
		pci_err(pdev, "not a pasid-endpoint of revision %llx\n",
			PASID_EP_REVISION_VALUE);
		return -ENODEV;
	}
	d->channels = PASID_EP_GET(reg_read(d, PASID_EP_CAP),
				   PASID_EP_CAP_CHANNELS);
	if (!d->channels || d->channels > MAX_CHANNELS)
		return -ENODEV;
	for (n = 0; n < d->channels; n++)
		init_waitqueue_head(&d->ch[n].wait);
	err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (err)
		return err;
	/*
	 * In a crash kernel the function keeps the dead kernel's tables, PASIDs
	 * included, until its driver first uses the DMA API.
	 */
	if (!dmam_alloc_coherent(&pdev->dev, PAGE_SIZE, &unused, GFP_KERNEL))
		return -ENOMEM;
	snprintf(d->name, sizeof(d->name), "pasid-ep%d",
		 atomic_inc_return(&next) - 1);
	err = request_vectors(d);
	if (err)
		return err;
	pci_set_master(pdev);
	d->misc.minor = MISC_DYNAMIC_MINOR;
	d->misc.name = d->name;
	d->misc.fops = &pep_fops;
	d->misc.parent = &pdev->dev;
	err = misc_register(&d->misc);
	if (err)
		goto free_vectors;
	pci_set_drvdata(pdev, d);
	pci_info(pdev, "%s: %u channels, %d vectors\n", d->name, d->channels,
		 d->vectors);
	return 0;

free_vectors:
	pci_clear_master(pdev);
	return err;
}

static void pep_remove(struct pci_dev *pdev)
{
	struct pep_dev *d = pci_get_drvdata(pdev);

	misc_deregister(&d->misc);
	command(d, PASID_EP_CMD_ABORT_ALL, 0);
	pci_clear_master(pdev);
}

/* Any function whose driver_override names this driver. */
static struct pci_driver pep_driver = {
	.name = "pasid_ep",
	.id_table = NULL,
	.probe = pep_probe,
	.remove = pep_remove,
};
module_pci_driver(pep_driver);

MODULE_DESCRIPTION("pasid-endpoint guest test driver");
MODULE_LICENSE("GPL");

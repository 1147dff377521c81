// SPDX-License-Identifier: GPL-2.0
/*
 * Guest driver for the pasid-endpoint function: what uio_pci_generic_sva
 * cannot do. Several processes on one device, several PASIDs in one file
 * (bonds of forked children, paging domains), jobs on behalf of others,
 * completion by MSI-X, and a release that is safe with DMA in flight.
 */
#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/interrupt.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "device.h"

void pep_command(struct pep_dev *d, u64 cmd, u64 arg)
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

/* --- file operations --------------------------------------------------- */

static long do_info(struct pep_file *f, void __user *arg)
{
	struct pep_dev *d = f->dev;
	struct pep_info info = {
		.channels = d->channels,
		.vectors = d->vectors,
		.pasid = pep_pasid_of_caller(f),
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
	pep_command(f->dev, words[0], words[1]);
	return 0;
}

static long pep_ioctl(struct file *file, unsigned int cmd, unsigned long p)
{
	struct pep_file *f = file->private_data;
	void __user *arg = (void __user *)p;
	long ret;

	/* Waiting holds no lock: others of this file go on submitting. */
	if (cmd == PEP_WAIT)
		return pep_wait(f, arg);
	mutex_lock(&f->lock);
	switch (cmd) {
	case PEP_INFO:
		ret = do_info(f, arg);
		break;
	case PEP_BIND:
		ret = pep_bind(f, arg);
		break;
	case PEP_UNBIND:
		ret = pep_unbind(f);
		break;
	case PEP_CHANNEL_GET:
		ret = pep_channel_get(f, arg);
		break;
	case PEP_CHANNEL_PUT:
		ret = pep_channel_put(f, arg);
		break;
	case PEP_SUBMIT:
		ret = pep_submit(f, arg);
		break;
	case PEP_STATS:
		ret = do_stats(f, arg);
		break;
	case PEP_DOMAIN_NEW:
		ret = pep_domain_new(f, arg);
		break;
	case PEP_DOMAIN_FREE:
		ret = pep_domain_free(f, arg);
		break;
	case PEP_DOMAIN_MAP:
		ret = pep_map(f, arg);
		break;
	case PEP_DOMAIN_UNMAP:
		ret = pep_unmap(f, arg);
		break;
	case PEP_COMMAND:
		ret = do_command(f, arg);
		break;
	case PEP_RAW_PAGE:
		ret = pep_raw_page(f, arg);
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

	pep_free_channels(f);
	pep_free_spaces(f);
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

/* Map the registers and see whose they are. */
static int identify(struct pep_dev *d)
{
	d->regs = pcim_iomap(d->pdev, 0, PASID_EP_BAR0_SIZE);
	if (!d->regs)
		return -ENOMEM;
	if (reg_read(d, PASID_EP_MAGIC) != PASID_EP_MAGIC_VALUE ||
	    PASID_EP_GET(reg_read(d, PASID_EP_REVISION),
			 PASID_EP_REVISION_MAJOR) !=
		    PASID_EP_GET(PASID_EP_REVISION_VALUE,
				 PASID_EP_REVISION_MAJOR)) {
		pci_err(d->pdev, "not a pasid-endpoint of revision %llx\n",
			PASID_EP_REVISION_VALUE);
		return -ENODEV;
	}
	d->channels = PASID_EP_GET(reg_read(d, PASID_EP_CAP),
				   PASID_EP_CAP_CHANNELS);
	if (!d->channels || d->channels > MAX_CHANNELS)
		return -ENODEV;
	return 0;
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
	err = identify(d);
	if (err)
		return err;
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
	pep_command(d, PASID_EP_CMD_ABORT_ALL, 0);
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

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the driver share: a device, an open file of it, and what
 * each file offers to main.c. Functions without another word return 0 or a
 * negative errno; those of ioctls are called with the file's lock held.
 */
#ifndef PASID_EP_DEVICE_H
#define PASID_EP_DEVICE_H

#include <linux/atomic.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/wait.h>

#include "im/spec/pasid_ep_uapi.h"
#include "pasid_ep.h"

#define MAX_CHANNELS PASID_EP_CHANNELS_MAX

struct channel {
	struct pep_file *owner;
	wait_queue_head_t wait;
	atomic_t interrupts;
	unsigned int expect; /* interrupts when the job is done */
	unsigned int before;
};

struct pep_dev {
	struct pci_dev *pdev;
	struct miscdevice misc;
	char name[16];
	void __iomem *regs;
	unsigned int channels;
	int vectors;
	struct mutex lock; /* channels' owners, COMMAND/ARG, raw */
	struct channel ch[MAX_CHANNELS];
};

struct pep_file {
	struct pep_dev *dev;
	struct mutex lock;
	struct list_head spaces; /* of space.c */
};

static inline u64 reg_read(struct pep_dev *d, unsigned int off)
{
	return readq(d->regs + off);
}

static inline void reg_write(struct pep_dev *d, unsigned int off, u64 val)
{
	writeq(val, d->regs + off);
}

/* main.c: a command of the endpoint, with its argument. */
void pep_command(struct pep_dev *d, u64 cmd, u64 arg);

/* space.c: address spaces of a file, a process's or its own */
bool pep_has_pasid(struct pep_file *f, u32 pasid);
u32 pep_pasid_of_caller(struct pep_file *f); /* 0: not bound */
void pep_free_spaces(struct pep_file *f);
long pep_bind(struct pep_file *f, u32 __user *arg);
long pep_unbind(struct pep_file *f);
long pep_domain_new(struct pep_file *f, u32 __user *arg);
long pep_domain_free(struct pep_file *f, u32 __user *arg);
long pep_map(struct pep_file *f, void __user *arg);
long pep_unmap(struct pep_file *f, void __user *arg);

/* job.c: channels, what they do, and page requests by hand */
void pep_free_channels(struct pep_file *f);
long pep_channel_get(struct pep_file *f, u32 __user *arg);
long pep_channel_put(struct pep_file *f, u32 __user *arg);
long pep_submit(struct pep_file *f, void __user *arg);
long pep_wait(struct pep_file *f, void __user *arg); /* without the lock */
long pep_raw_page(struct pep_file *f, void __user *arg);

#endif /* PASID_EP_DEVICE_H */

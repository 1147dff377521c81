// SPDX-License-Identifier: GPL-2.0
/*
 * Channels and the jobs that run on them, and page requests by hand.
 */
#include <linux/delay.h>
#include <linux/uaccess.h>

#include "device.h"

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

static bool owns(struct pep_file *f, u32 n)
{
	return n < f->dev->channels && f->dev->ch[n].owner == f;
}

long pep_channel_get(struct pep_file *f, u32 __user *arg)
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

long pep_channel_put(struct pep_file *f, u32 __user *arg)
{
	u32 n;

	if (get_user(n, arg))
		return -EFAULT;
	if (!owns(f, n))
		return -EPERM;
	channel_put(f->dev, n);
	return 0;
}

long pep_submit(struct pep_file *f, void __user *arg)
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
	if (job.pasid && !pep_has_pasid(f, job.pasid))
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
	reg_write(d, base + PASID_EP_CH_RETRIES, job.retries ? job.retries : 8);
	reg_write(d, base + PASID_EP_CH_INTR,
		  PASID_EP_CH_INTR_ENABLE | (job.channel + 1));
	ch->before = atomic_read(&ch->interrupts);
	ch->expect = ch->before + 1;
	reg_write(d, base + PASID_EP_CH_COMMAND, PASID_EP_CH_CMD_START);
	return 0;
}

long pep_wait(struct pep_file *f, void __user *arg)
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
long pep_raw_page(struct pep_file *f, void __user *arg)
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
		       PASID_EP_RAW_SENT &&
	       time_before(jiffies, end)) {
		if (reg_read(d, PASID_EP_PR_RESP_COUNT) != before) {
			r.response = reg_read(d, PASID_EP_PR_RESP);
			break;
		}
		usleep_range(50, 100);
	}
	mutex_unlock(&d->lock);
	return copy_to_user(arg, &r, sizeof(r)) ? -EFAULT : 0;
}

void pep_free_channels(struct pep_file *f)
{
	u32 n;

	for (n = 0; n < f->dev->channels; n++) {
		if (owns(f, n))
			channel_put(f->dev, n);
	}
}
